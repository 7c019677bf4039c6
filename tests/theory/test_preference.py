"""Weighed requirements: the heaviest set that can hold is kept, and the others are refused with their
proof."""

import pytest

from scalewright import theory as th
from scalewright.theory import desiderata as d


def test_the_heavier_of_two_contradictions_is_kept() -> None:
    """Lazy initialisation and maximal update exclude each other; the weights decide."""
    base = [d.stable_initialisation, d.stable_features, d.bounded_logits, d.nontrivial]
    rich = th.derive(th.mlp(3), require=base, prefer={"maximal update": 2, "lazy initialisation": 1})
    assert rich.entries == th.derive(th.mlp(3)).entries
    assert list(rich.dropped) == ["lazy initialisation"]
    assert "cannot hold together" in rich.dropped["lazy initialisation"]
    rates = d.largest_rates
    weights = {d.maximal_update: 1, d.lazy_initialisation: "3/2"}
    lazy = th.derive(th.mlp(3), require=[*base, rates], prefer=weights)
    assert list(lazy.dropped) == ["maximal update"]
    assert lazy["readout.weight"].init_std.exponent("width") == -th.Power({"width": "1/2"}).exponent("width")


def test_control_preferences_that_hold_are_all_kept() -> None:
    p = th.derive(th.resnet(), "adam", ("width", "depth"), prefer={"non-lazy blocks": 1})
    assert (p.dropped, p.segments) == ({}, ())
    assert p.entries == th.named(th.resnet(), "completep", "adam").entries


@pytest.mark.parametrize(
    ("prefer", "message"),
    [
        ({"nontrivial": 0}, "derive: the weight of 'nontrivial' must be positive; given 0"),
        (
            {"nontrivial": 0.5},
            "derive: prefer: the weight of 'nontrivial' must be an exact rational: Fraction, int or a string "
            "such as '-1/2'; given the float 0.5: write Fraction(1, 2)",
        ),
    ],
)
def test_bad_weights_are_refused(prefer: dict[str, float], message: str) -> None:
    with pytest.raises((th.ScalingError, TypeError)) as caught:
        th.derive(th.mlp(3), prefer=prefer)  # type: ignore[arg-type]
    assert str(caught.value) == message
