"""Affine forms are exact vectors, and maxima of them behave as maxima."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalewright.theory.solver.affine import Affine, Max, Term
from scalewright.theory.strategies import exponents

FORMS = st.builds(Affine, exponents(), st.dictionaries(st.sampled_from("abc"), exponents().filter(bool)))
AT = {"a": Fraction(2), "b": Fraction(-1, 3), "c": Fraction(5, 7)}


@given(FORMS, FORMS, exponents())
def test_identity_vector_space(f: Affine, g: Affine, r: Fraction) -> None:
    assert (f + g).at(AT) == f.at(AT) + g.at(AT)
    assert (f * r).at(AT) == r * f.at(AT)
    assert f - f == Affine()
    assert (r - f) + f == Affine(r)
    assert f + g == g + f
    assert hash(f + g) == hash(g + f)
    assert f + 1 != f


@given(st.lists(FORMS, min_size=1, max_size=4), FORMS)
def test_identity_maximum(forms: list[Affine], shift: Affine) -> None:
    maximum = Max(tuple(Term(form, "given") for form in forms))
    assert maximum.at(AT) == max(form.at(AT) for form in forms)
    assert (maximum + shift).at(AT) == maximum.at(AT) + shift.at(AT)
    assert (maximum | Max.of(shift, "more")).at(AT) == max(maximum.at(AT), shift.at(AT))


def test_print() -> None:
    form = Affine.number("1/2") - Affine.unknown("a") - 2 * Affine.unknown("b")
    assert str(form) == "1/2 - a - 2 b"
    assert str(-form) == "-1/2 + a + 2 b"
    assert str(Affine()) == "0"
    assert str(Max.of(form, "x") | Max.of(Affine(), "y")) == "max(1/2 - a - 2 b, 0)"


def test_floats_are_refused() -> None:
    with pytest.raises(TypeError) as number:
        Affine.number(0.5)  # type: ignore[arg-type]
    accepted = "an exact rational: Fraction, int or a string such as '-1/2'"
    assert str(number.value) == (
        f"Affine.number: value must be {accepted}; given the float 0.5: write Fraction(1, 2)"
    )
    with pytest.raises(TypeError, match="Affine: a factor must be"):
        Affine.unknown("a") * 0.5  # type: ignore[operator]
