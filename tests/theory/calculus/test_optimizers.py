"""Optimizers of the calculus against steps taken in numpy, and the ways to name them."""

from fractions import Fraction

import numpy as np
import pytest

from scalewright import theory as th
from scalewright.theory.calculus.optimizers import OPTIMIZERS, assignment, optimizer_named


def inverse_root(matrix: np.ndarray, power: float) -> np.ndarray:
    """Return matrix^-power on the range of a symmetric matrix."""
    values, vectors = np.linalg.eigh(matrix)
    keep = values > values.max() * 1e-12
    return (vectors[:, keep] * values[keep] ** -power) @ vectors[:, keep].T


def steps(gradient: np.ndarray, weight: np.ndarray) -> dict[str, np.ndarray]:
    """Return the first step of every kind of optimizer at rate 1."""
    u, _, v = np.linalg.svd(gradient, full_matrices=False)
    rank = np.linalg.matrix_rank(gradient)
    left, right = gradient @ gradient.T, gradient.T @ gradient
    found = {"sgd": gradient, "adam": gradient / np.abs(gradient), "muon": u[:, :rank] @ v[:rank]}
    found["adafactor"] = np.sign(gradient) * np.sqrt(np.mean(weight**2))
    for power in (0.25, 0.5):
        found[f"shampoo({Fraction(power)})"] = (
            inverse_root(left, power) @ gradient @ inverse_root(right, power)
        )
    return found


@pytest.mark.parametrize("name", ["sgd", "adam", "muon", "adafactor", "shampoo(1/4)", "shampoo(1/2)"])
def test_oracle_a_step_acts_as_the_calculus_says(name: str) -> None:
    """Independent: numpy. (Delta W) x for Delta W the step of a gradient G x^T with G of size n^-1, x of
    size 1.

    With the learning rate n^0 its exponent is that of E at c = 0, which `profile` states for one hidden
    layer.
    """
    sizes, found = (256, 512, 1024), []
    for n in sizes:
        rng = np.random.default_rng(n)
        x, g = rng.normal(size=(n, 4)), rng.normal(size=(n, 4)) / n
        weight = rng.normal(size=(n, n)) / n**0.5
        moved = steps(g @ x.T, weight)[name] @ x
        found.append(np.sqrt(np.mean(moved**2)))
    slope = np.polyfit(np.log(sizes), np.log(found), 1)[0]
    p = th.derive(th.mlp(3), name).with_lr({"width": 0})
    predicted = th.profile(p)["width"].row("hidden.0", step=1).effective
    assert slope == pytest.approx(float(predicted), abs=0.03)  # type: ignore[arg-type]
    # Control: optimizers of another kind have other exponents.
    base = th.derive(th.mlp(3), "sgd").with_lr({"width": 0})
    others = [th.profile(base, o)["width"].row("hidden.0", step=1).effective for o in ("sgd", "adam", "muon")]
    assert max(abs(slope - float(other)) for other in others) > 0.3  # type: ignore[arg-type]


def test_momentum_shifts_the_rate_by_its_own_exponent() -> None:
    """An undamped average over N^m steps is N^m gradients: the rate must be smaller by that."""
    plain, slow = th.derive(th.mlp(3), "sgd"), th.derive(th.mlp(3), th.momentum("1/2"))
    for name, entry in plain.entries.items():
        assert slow[name].lr == entry.lr * th.Power({"width": "-1/2"})
    assert th.derive(th.mlp(3), "nesterov").entries == plain.entries


def test_muon_for_hidden_matrices_and_adamw_for_the_rest() -> None:
    mixed = th.derive(th.mlp(4, bias=True), "muon+adamw")
    muon, adamw = (th.derive(th.mlp(4, bias=True), name) for name in ("muon", "adamw"))
    assert {name: optimizer.name for name, optimizer in mixed.optimizers.items()} == {
        name: "muon" if name.startswith("hidden") and name.endswith("weight") else "adamw"
        for name in mixed.entries
    }
    for name, entry in mixed.entries.items():
        assert entry == (muon if mixed.optimizers[name].name == "muon" else adamw)[name]
    rules = {"*.bias": "sgd", "hidden": "muon", "rest": "lion"}
    named = th.derive(th.mlp(4, bias=True), rules)
    assert named["hidden.0.bias"].lr == th.derive(th.mlp(4, bias=True), "sgd")["hidden.0.bias"].lr
    assert named.verify()


def test_names_with_powers() -> None:
    assert optimizer_named("shampoo(1/4)", "x") == OPTIMIZERS["shampoo"]
    assert optimizer_named("momentum(1/2)", "x").momentum == Fraction(1, 2)
    assert optimizer_named("nesterov(1)", "x").rule == "Nesterov momentum averages gradients"
    assert assignment("muon+adamw", "x").name == "muon+adamw"


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        ("muon+foo", f"derive: optimizer must be one of {', '.join(OPTIMIZERS)}; given 'foo'"),
        ({}, "derive: optimizer must name at least one rule; given none"),
        (
            {"hidden": "muon"},
            "derive: optimizer must name a rule for every parameter; none fits 'input.weight': "
            'add the rule "rest"',
        ),
        (3, f"derive: optimizer must be one of {', '.join(OPTIMIZERS)}; given 3"),
    ],
)
def test_unknown_optimizers_are_refused(optimizer: object, message: str) -> None:
    with pytest.raises(th.ScalingError) as caught:
        th.derive(th.mlp(3), optimizer)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_floats_are_refused() -> None:
    with pytest.raises(TypeError, match="write Fraction"):
        th.shampoo(0.25)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must lie between 1/2 and 1"):
        th.Alignment(narrow=Fraction(2))
