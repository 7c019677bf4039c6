"""Piecewise linear functions: exact against evaluation at points, which knows nothing of knots."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalewright.theory.mechanism.piecewise import Piecewise

LINES = st.lists(
    st.tuples(st.integers(-3, 3), st.fractions(-2, 2, max_denominator=4)), min_size=1, max_size=4
)
PLACES = st.fractions(-1, 2, max_denominator=12)


def build(lines: list[tuple[int, Fraction]]) -> Piecewise:
    """Return the maximum of several lines on [-1, 2]."""
    c = Piecewise.identity(-1, 2)
    found = [c * slope + intercept for slope, intercept in lines]
    total = found[0]
    for other in found[1:]:
        total = total.maximum(other)
    return total


@given(LINES, LINES, PLACES)
def test_property_functions_add_and_compare_point_by_point(one, two, place) -> None:
    f, g = build(one), build(two)
    at = [max(m * place + k for m, k in lines) for lines in (one, two)]
    assert (f.at(place), g.at(place)) == tuple(at)
    assert (f + g).at(place) == at[0] + at[1]
    assert (f - g).at(place) == at[0] - at[1]
    assert f.maximum(g).at(place) == max(at)
    assert (f - g).maximum(g - f).at(place) == abs(at[0] - at[1])
    assert f.maximum(g) == g.maximum(f)


@given(LINES, LINES)
def test_property_the_last_places_are_where_they_say(one, two) -> None:
    f, g = build(one), build(two)
    least, same = (f - g).nonpositive_from(), f.agrees_from(g)
    assert (least is None) == ((f - g).values[-1] > 0)
    assert (same is None) == (f.values[-1] != g.values[-1])
    further = [Fraction(k, 24) for k in range(-24, 49)]
    if least is not None:
        assert all((f - g).at(c) <= 0 for c in further if c >= least)
        assert least == -1 or (f - g).at(least) == 0
    if same is not None:
        assert all(f.at(c) == g.at(c) for c in further if c >= same)


def test_what_is_written() -> None:
    c = Piecewise.identity(-1, 2)
    assert str(c * -2 + "3/2") == "3/2 - 2 c"
    assert str(Piecewise.constant("1/2", -1, 2)) == "1/2"
    assert str((-c).maximum(Piecewise.constant(0, -1, 2))) == "max(-c, 0)"
    assert str(-((-c).maximum(Piecewise.constant(0, -1, 2)))) == "c up to c = 0, 0 above"


def test_control_what_is_refused() -> None:
    c = Piecewise.identity(-1, 2)
    with pytest.raises(ValueError, match="c must be from -1 to 2; given 3"):
        c.at(3)
    with pytest.raises(ValueError, match="on the same interval only"):
        c + Piecewise.identity(0, 2)
    with pytest.raises(ValueError, match="low must be less than high; given 2 and 2"):
        Piecewise.identity(2, 2)
    with pytest.raises(TypeError, match=r"write Fraction\(1, 2\)"):
        c * 0.5  # type: ignore[operator]
