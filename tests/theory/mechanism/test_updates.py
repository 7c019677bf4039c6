"""Sizes followed update by update as functions of c: against `profile` at single rates, and by hand."""

from fractions import Fraction

import numpy as np
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


def one_step(width: int, seed: int, *, bent: bool) -> list[float]:
    """Return log sizes of the effective updates of three layers after one step of sign descent at n^0.

    Written out in numpy: cross-entropy, 16 inputs, 4 classes, 32 samples.
    """
    draw, data = np.random.default_rng([seed, width]), np.random.default_rng(0)
    inputs, labels = data.standard_normal((32, 16)), np.eye(4)[data.integers(0, 4, 32)]
    sizes = [(16, width), (width, width), (width, 4)]
    start = [draw.standard_normal(shape) * (2 / shape[0]) ** 0.5 for shape in sizes]

    def forward(weights: list[np.ndarray]) -> list[np.ndarray]:
        found = [inputs]
        for weight in weights:
            out = found[-1] @ weight
            found.append(np.maximum(out, 0) if bent and weight is not weights[-1] else out)
        return found

    before = forward(start)
    odds = np.exp(before[-1] - before[-1].max(1, keepdims=True))
    gradient = (odds / odds.sum(1, keepdims=True) - labels) / 32
    after = []
    for place in (2, 1, 0):
        after.insert(0, start[place] - 0.3 * np.sign(before[place].T @ gradient))
        gradient = (gradient @ start[place].T) * ((before[place] > 0) if bent else 1)
    present = forward(after)
    moved = (x @ (new - old) for x, new, old in zip(present, after, start, strict=False))
    return [float(np.log(np.sqrt(np.square(change).mean()))) for change in moved]


@pytest.mark.parametrize(("activation", "readout"), [("relu", "2"), ("linear", "3/2")])
def test_oracle_products_of_updates_at_the_first_step(activation: str, readout: str) -> None:
    """Independent: networks in numpy at n^0, far beyond the edge of sign descent. Behind a ReLU the changed
    activations have a mean, which the readout's update meets: n^2. Without one both meet by chance:
    n^(3/2). 0.15 and 3 standard errors."""
    widths, seeds = (128, 256, 512, 1024), range(6)
    logs = np.array([[one_step(n, seed, bent=activation == "relu") for seed in seeds] for n in widths])
    away = np.log(widths) - np.log(widths).mean()
    weights = away / (away**2).sum()
    slopes = np.einsum("n,nsl->l", weights, logs) / len(seeds)
    errors = np.sqrt(weights**2 @ (logs.var(axis=1, ddof=1) / len(seeds)))
    found = th.mechanism(th.mlp(3, activation), "sp", "lion").slopes(0, step=1)
    expected = np.array([found[f"{name}.weight"].effective for name in ("input", "hidden.0", "readout")])
    assert expected.tolist() == [0, 1, float(Fraction(readout))]
    assert (np.abs(slopes - expected) < 0.15 + 3 * errors).all(), slopes


@pytest.mark.parametrize(("optimizer", "c"), [("sgd", "1/2"), ("sgd", "3/4"), ("sgd", "1"), ("adam", "1")])
def test_oracle_slopes_are_those_of_the_profile_inside_the_edge(optimizer: str, c: str) -> None:
    given = th.named(th.mlp(4), "sp", optimizer)
    profile = th.profile(given, lr={"width": -Fraction(c)})["width"]
    found = th.mechanism(th.mlp(4), "sp", optimizer)
    assert found.slopes(c) == profile.slopes()
    assert found.slopes(c, step=1) == profile.slopes(step=1)
