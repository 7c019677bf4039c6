"""Stability thresholds: from the characteristic polynomial of each update, exactly."""

from fractions import Fraction

import pytest
import sympy

from scalewright.theory.stability import X, Z, polynomial, threshold

CASES = [
    ("gradient-descent", {}),
    *(("heavy-ball", {"momentum": Fraction(n, 10)}) for n in (1, 5, 9)),
    *(("heavy-ball", {"momentum": Fraction(n, 10), "dampening": Fraction(1, 4)}) for n in (5, 9)),
    *(("nesterov", {"momentum": Fraction(n, 10)}) for n in (1, 5, 9)),
    *(("adam", {"momentum": Fraction(n, 10)}) for n in (0, 5, 9)),
]


def stable(method, options, x):
    """Whether all roots are inside the unit circle, by Jury's conditions in exact arithmetic."""
    found = sympy.Poly(polynomial(method, **options).subs(X, sympy.Rational(x)), Z)
    one, *rest = found.all_coeffs()
    assert one == 1
    if len(rest) == 1:
        return abs(rest[0]) < 1
    linear, constant = rest
    return bool(abs(constant) < 1 and abs(linear) < 1 + constant)


@pytest.mark.parametrize(("method", "options"), CASES)
def test_identity_threshold_is_where_jury_fails(method, options):
    """Identity: stable just below the threshold and not at it; control: not above, and not below 0."""
    limit = threshold(method, **options)
    small = Fraction(1, 10**9)
    assert stable(method, options, limit - small)
    assert stable(method, options, small)
    for outside in (limit, limit + small, -small):
        assert not stable(method, options, outside)
    assert polynomial(method, **options).subs({Z: -1, X: sympy.Rational(limit)}) == 0


def test_literature_numbers():
    """Literature: Cohen et al. 2103.00065 and 2207.14484: 2, 38 for Adam at 0.9, 3.8 for the heavy ball."""
    nine = Fraction(9, 10)
    assert threshold("gradient-descent") == 2
    assert threshold("adam", momentum=nine) == 38
    assert threshold("heavy-ball", momentum=nine) == Fraction(38, 10)
    assert threshold("nesterov", momentum=nine) == Fraction(19, 14)
    assert threshold("adam", momentum=sympy.Rational(1, 2)) == 6


@pytest.mark.parametrize(
    ("error", "arguments", "sentence"),
    [
        (TypeError, ("adam", {"momentum": 0.9}), r"threshold: momentum must be exact; given 0.9: write "
         r"Fraction\(9, 10\)"),
        (ValueError, ("adam", {"momentum": 1}), r"threshold: momentum must lie in \[0, 1\); given 1"),
        (ValueError, ("lion", {}), "threshold: method must be one of gradient-descent, heavy-ball, nesterov, "
         "adam; given 'lion'"),
        (ValueError, ("gradient-descent", {"momentum": Fraction(1, 2)}), "threshold: gradient-descent has no "
         "momentum; given 1/2: take 'heavy-ball'"),
        (ValueError, ("nesterov", {"dampening": Fraction(1, 2)}), "threshold: dampening belongs to "
         "'heavy-ball'; given 1/2 for 'nesterov'"),
    ],
)  # fmt: skip
def test_bad_input(error, arguments, sentence):
    """Property: the whole sentence."""
    method, options = arguments
    with pytest.raises(error, match=f"^{sentence}$"):
        threshold(method, **options)
