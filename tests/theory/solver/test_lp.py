"""The exact linear programs: every answer is an identity in Fractions."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalewright.theory.errors import Unverified
from scalewright.theory.solver import lp
from scalewright.theory.solver.affine import Affine

X, Y = Affine.unknown("x"), Affine.unknown("y")
SMALL = st.integers(-3, 3).map(Fraction)
FORMS = st.lists(st.builds(lambda k, a, b: a * X + b * Y + k, SMALL, SMALL, SMALL), min_size=1, max_size=6)


def combination(forms: list[Affine], multipliers: dict[int, Fraction]) -> Affine:
    """Return sum m_i form_i."""
    return sum((forms[i] * m for i, m in multipliers.items()), Affine())


@settings(max_examples=150, deadline=None)
@given(FORMS, SMALL, SMALL)
def test_property_every_answer_is_an_identity(forms: list[Affine], p: Fraction, q: Fraction) -> None:
    objective = p * X + q * Y
    found = lp.minimise(objective, forms)
    if isinstance(found, lp.Optimum):
        assert all(m >= 0 for m in found.multipliers.values())
        assert objective + combination(forms, found.multipliers) == Affine(found.value)
    elif isinstance(found, lp.Contradiction):
        assert all(m >= 0 for m in found.multipliers.values())
        total = combination(forms, found.multipliers)
        assert total.is_constant
        assert total.constant > 0


def test_identity_known_programs() -> None:
    assert lp.minimise(X + Y, [Fraction(1, 3) - X, Fraction(1, 7) - Y]) == lp.Optimum(
        Fraction(10, 21), {0: Fraction(1), 1: Fraction(1)}
    )
    assert isinstance(lp.minimise(X, [X - 1]), lp.Unbounded)
    assert isinstance(lp.minimise(X, [X + 1, -X]), lp.Contradiction)
    assert isinstance(lp.minimise(Affine.number(0), [Affine.number(1)]), lp.Contradiction)


def test_multipliers_that_rounding_misses_are_solved_for_exactly() -> None:
    """Control for the rounding: 1/1009 has no neighbour with a denominator up to 96."""
    form = 1 - 1009 * X
    found = lp.minimise(X, [form])
    assert found == lp.Optimum(Fraction(1, 1009), {0: Fraction(1, 1009)})


def test_wrong_floats_are_never_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: if both ways to exact multipliers are broken, the answer is an error."""
    monkeypatch.setattr(lp, "_rounded", lambda floats: {0: Fraction(2)})
    monkeypatch.setattr(lp, "_solved", lambda objective, forms, floats: {0: Fraction(2)})
    with pytest.raises(Unverified, match="no exact certificate"):
        lp.minimise(X, [1 - X])
