"""The isometry gap against its determinant form, its invariances, and its infinity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalewright.sim.isometry import isometry_gap, ranks, spectral_variance

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(4, 4), (3, 6), (6, 3), (1, 5)])
def test_oracle_determinant_and_trace_of_the_smaller_gram(shape):
    """Independent: equation 5 by a determinant, not by singular values."""
    x = RNG.standard_normal(shape)
    gram = x @ x.T if shape[0] <= shape[1] else x.T @ x
    m = len(gram)
    expected = -(np.linalg.slogdet(gram)[1] / m - np.log(np.trace(gram) / m))
    assert isometry_gap(x) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.floats(1e-3, 1e3))
def test_property_blind_to_scale_and_rotations(seed, scale):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((4, 5))
    left, right = (np.linalg.qr(rng.standard_normal((k, k)))[0] for k in (4, 5))
    assert isometry_gap(scale * left @ x @ right) == pytest.approx(float(isometry_gap(x)), abs=1e-9)


def test_zero_exactly_at_isometries_and_only_there():
    q = np.linalg.qr(RNG.standard_normal((6, 6)))[0]
    assert isometry_gap(3 * q[:4]) == pytest.approx(0.0, abs=1e-14)
    assert isometry_gap(np.diag([1.0, 1.001])) > 1e-8


def test_rank_deficient_matrices_have_an_infinite_gap_and_their_rank_is_told():
    x = RNG.standard_normal((5, 2)) @ RNG.standard_normal((2, 5))
    assert isometry_gap(x) == np.inf
    assert ranks(x) == 2
    assert np.isfinite(isometry_gap(x, count=2))


@pytest.mark.parametrize("shape", [(4, 6), (6, 4)])
def test_identity_variance_of_the_scaled_spectrum(shape):
    x = RNG.standard_normal(shape)
    eigenvalues = np.linalg.eigvalsh(x @ x.T)
    scaled = eigenvalues / eigenvalues.mean()
    assert spectral_variance(x) == pytest.approx(((scaled - 1) ** 2).mean(), rel=1e-12)


def test_a_stack_is_its_matrices_one_by_one():
    x = RNG.standard_normal((2, 3, 4, 4))
    assert np.array_equal(isometry_gap(x), [[isometry_gap(y) for y in row] for row in x])


@pytest.mark.parametrize(
    ("matrix", "count", "said"),
    [
        (np.ones(3), None, r"matrices must have shape \(\.\.\., d, n\) with d, n >= 1; given \(3,\)"),
        (np.ones((0, 3)), None, r"given \(0, 3\)"),
        ([[1.0, np.nan]], None, "matrices must be finite; given nan or inf"),
        (np.ones((2, 2)), 3, r"count must be between 1 and min\(d, n\) = 2; given 3"),
    ],
)
def test_bad_input_gets_one_sentence(matrix, count, said):
    with pytest.raises(ValueError, match=said):
        isometry_gap(matrix, count=count)
