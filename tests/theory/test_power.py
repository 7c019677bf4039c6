"""Powers are exact: the group laws hold as identities, and nothing inexact gets in."""

import pickle
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalewright.theory.power import Power, exact

RATIONALS = st.fractions(min_value=-4, max_value=4, max_denominator=6)
POWERS = st.dictionaries(st.sampled_from(["width", "depth", "inputs", "gamma"]), RATIONALS).map(Power)


@given(POWERS, POWERS, RATIONALS)
def test_identity_group_laws(p: Power, q: Power, r: Fraction) -> None:
    assert p * q == q * p
    assert p / p == Power.one()
    assert (p * q) ** r == p**r * q**r
    assert hash(p * q / q) == hash(p)
    # Control: another exponent is another power.
    assert p * Power({"width": 1}) != p


@given(POWERS)
def test_property_json_and_repr_round_trip(p: Power) -> None:
    assert Power.from_json(p.to_json(["width", "depth", "inputs", "gamma"])) == p
    assert eval(repr(p), {"Power": Power}) == p
    assert pickle.loads(pickle.dumps(p)) == p


def test_identity_numbers() -> None:
    p = Power({"width": "-1/2", "gamma": 2})
    assert p.at(width=16, gamma=3, depth=7) == 9 / 4
    assert p.at(width=1, gamma=1) == 1
    assert p.at(width=4, gamma=1) != 1


def test_print_orders_axes_before_fixed_sizes() -> None:
    p = Power({"gamma": -1, "inputs": "1/2", "depth": 1, "width": Fraction(-1, 2), "zeta": 3})
    assert str(p) == "n^-1/2 L inputs^1/2 gamma^-1 zeta^3"
    assert str(Power.one()) == "1"


def test_only_and_exponent() -> None:
    p = Power({"width": 1, "gamma": 2})
    assert p.only(["width"]) == Power({"width": 1})
    assert p.exponent("gamma") == 2
    assert p.exponent("depth") == 0
    assert p.to_json(["width"]) == {"width": "1"}


ACCEPTED = "an exact rational: Fraction, int or a string such as '-1/2'"


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (-0.5, TypeError, "given the float -0.5: write Fraction(-1, 2)"),
        (0.3333333333, TypeError, "given the float 0.3333333333: write Fraction(1, 3)"),
        (float("nan"), TypeError, "given the float nan"),
        (True, TypeError, "given True of type bool"),
        (None, TypeError, "given None of type NoneType"),
        ("one", ValueError, "given 'one'"),
        ("1/0", ValueError, "given '1/0'"),
    ],
)
def test_inexact_exponents_are_refused(value: object, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        Power({"width": value})  # type: ignore[dict-item]
    assert str(caught.value) == f"Power: the exponent of 'width' must be {ACCEPTED}; {message}"
    with pytest.raises(kind):
        exact(value, "x")


def test_missing_and_bad_sizes_are_refused() -> None:
    with pytest.raises(ValueError) as missing:
        Power({"width": "-1/2"}).at(depth=3)
    assert str(missing.value) == "Power.at: n^-1/2 needs the size 'width'; given depth=3"
    with pytest.raises(ValueError) as negative:
        Power({"width": "-1/2"}).at(width=-2)
    assert str(negative.value) == "Power.at: width must be a positive finite number; given -2"
    with pytest.raises(TypeError) as shape:
        Power([("width", 1)])  # type: ignore[arg-type]
    assert str(shape.value).startswith("Power: exponents must map size names to rationals; given [")
    with pytest.raises(TypeError) as name:
        Power({1: 1})  # type: ignore[dict-item]
    assert str(name.value) == "Power: a size name must be a non-empty string; given 1"
