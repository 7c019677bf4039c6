"""Sizes followed update by update as functions of c: against `profile` at single rates, and by hand."""

from fractions import Fraction

import pytest

from scalewright import theory as th


@pytest.mark.parametrize(("name", "optimizer", "loss"), [
    ("sp", "sgd", "cross-entropy"), ("sp", "adam", "squared"), ("mup", "sgd", "squared"),
    ("ntp", "adam", "cross-entropy"), ("sp-full-align", "sgd", "cross-entropy"),
])  # fmt: skip
def test_oracle_profile_at_single_rates(name: str, optimizer: str, loss: str) -> None:
    """Independent: `profile` evaluates numbers at one rate, step by step; here a function is evaluated
    there."""
    graph = th.mlp(3)
    start = th.named(graph, name, optimizer)
    found = th.mechanism(graph, start, optimizer, loss)
    for c in map(Fraction, ("1/2", "3/4", "1", "5/4")):
        rates = {
            key: {"width": entry.lr.exponent("width") - c} if found.by_layer else {"width": -c}
            for key, entry in start.entries.items()
        }
        given = start.with_lr({key: th.Power(power) for key, power in rates.items()})
        profile = th.profile(given, loss=loss)["width"]
        for step in (1, 2, 3):
            for tensor in ("input", "hidden.0", "readout"):
                curve = found.change(tensor, step)
                assert curve is not None
                assert curve.at(c) == profile.row(tensor, step=step).change, (c, step, tensor)


def test_identity_updates_of_one_step_act_together() -> None:
    """Two layers, squared loss, c = 0, by hand. After one step u has moved by n^-1/2 (chi v) and v by n^0
    (chi u), so f by n. Then chi = n: v moves by n (chi u), u by n as well (chi v), and f by n v u = n^3."""
    found = th.mechanism(th.mlp(2, "linear"), "sp", "sgd", "squared")
    sizes = {
        tensor: [found.change(tensor, step).at(0) for step in (1, 2)]  # type: ignore[union-attr]
        for tensor in ("input", "readout")
    }
    assert sizes == {"input": [-Fraction(1, 2), 1], "readout": [1, 3]}


def test_control_the_profile_lets_an_update_act_on_what_its_weight_saw_before() -> None:
    """So its second step is smaller where sizes grow; where they settle both say the same."""
    found = th.mechanism(th.mlp(2, "linear"), "sp", "sgd", "squared")
    given = th.named(th.mlp(2, "linear"), "sp", "sgd")
    for power, same in (("0", False), ("-1", True)):
        part = th.profile(given, loss="squared", lr={"width": power})["width"]
        exact = found.change("readout", 2).at(-Fraction(power))  # type: ignore[union-attr]
        assert (part.row("readout", step=2).change == exact) == same


def test_identity_a_term_of_the_update_before_is_absent_at_the_first() -> None:
    """The gradient before the readout knows its update from the second step on only."""
    found = th.mechanism(th.mlp(3), "sp", "sgd")
    (definition,) = (d for d in found.sizes.definitions if d.name == "G[hidden.0.activation]")
    own, updated = definition.maximum.terms
    assert [str(found.part(definition, own, step)) for step in (1, 2)] == ["-1/2", "-1/2"]
    assert [str(found.part(definition, updated, step)) for step in (1, 2)] == ["None", "-c"]
