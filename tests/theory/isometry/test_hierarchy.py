"""Growth for n < d: limits that are known otherwise, eigenvalues at isometry, convergence."""

import numpy as np
import pytest
from sympy import Rational

from scalewright.theory import isometry
from scalewright.theory.isometry.hierarchy import Law, derivative, system


def test_identity_the_hierarchy_converges_geometrically():
    for ratio in (Rational(1, 4), Rational(1, 2), Rational(3, 4)):
        errors = [isometry.growth(ratio, order=order).error for order in (3, 5, 7)]
        assert errors[1] < errors[0] / 5
        assert errors[2] < errors[1] / 5
        assert errors[2] < 1e-4


def test_identity_mean_field_is_the_limit_of_few_samples():
    """d times log((n-1)/(n-2))/2 tends to 1/(2 rho) for n/d = rho fixed and small."""
    ratio = Rational(1, 500)
    assert abs(isometry.growth(ratio).value * 2 * ratio - 1) < 2 * float(ratio)


def test_identity_isometry_is_the_limit_of_as_many_samples_as_features():
    assert abs(isometry.growth(1).value) < 1e-6
    ratio = Rational(999, 1000)
    assert abs(isometry.growth(ratio).value * 1000 - 1) < 0.01


@pytest.mark.parametrize("ratio", [Rational(1, 4), Rational(3, 4)])
def test_identity_turning_the_samples_is_neutral(ratio):
    """BN(WXQ) = BN(WX)Q: dX = XA, A antisymmetric, is an eigenvector with eigenvalue 0, at every order."""
    for order in (2, 4):
        values = np.linalg.eigvals(system(ratio, order))
        assert np.abs(values).min() < 1e-9


def test_literature_isometry_has_the_known_two_eigenvalues():
    """At Q = 1 the moments are p = t and b alike for all indices: 0 (antisymmetric) and -2 (symmetric)."""
    law = Law((1.0,) * 4, 0.0)
    matrix = np.zeros((2, 2))
    for row, moment in enumerate((("t", 0, 0), ("b", 0, 0))):
        for coefficient, (family, *_) in derivative(moment, law):
            matrix[row, 1 if family == "b" else 0] += coefficient
    np.testing.assert_allclose(sorted(np.linalg.eigvals(matrix).real), [-2, 0], atol=1e-14)


def test_control_without_the_noise_of_the_rows_the_growth_is_wrong():
    """Control: an isotropic Gram matrix of the same rank gives 1/(2 rho) - 1, negative from rho = 1/2 on."""
    ratio = Rational(3, 4)
    assert isometry.growth(ratio).value > 0.2
    assert 1 / (2 * ratio) - 1 < 0


def test_bad_input():
    with pytest.raises(ValueError, match=r"^growth: order must be an integer of at least 2; given 1$"):
        isometry.growth(Rational(1, 2), order=1)
    with pytest.raises(ValueError, match=r"^stationary_variance: ratio n/d must lie in \(0, 1\]; given 2"):
        isometry.growth(2)
