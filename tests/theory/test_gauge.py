"""The gauge group: what moves, what stays, and that training itself doesn't notice."""

import numpy as np
import pytest
from hypothesis import given, settings

from scalewright.theory import Parametrization, Power, Scaling, ScalingError, derive, mlp, named
from scalewright.theory.calculus.optimizers import OPTIMIZERS
from scalewright.theory.strategies import gauges, powers


def column(p: Parametrization, quantity: str) -> list[str]:
    """Return one column of the table of exponents of the width."""
    return [str(getattr(scaling, quantity).exponent("width")) for scaling in p.entries.values()]


def test_literature_tensor_programs_4_gauge() -> None:
    """Yang and Hu 2021 (arXiv:2011.14522): muP is a = (-1/2, 0, ..., 0, 1/2), b = 1/2, c = 0."""
    p = derive(mlp(4), "sgd").in_gauge("tensor-programs-4")
    assert column(p, "multiplier") == ["1/2", "0", "0", "-1/2"]
    assert column(p, "init_std") == ["-1/2"] * 4
    assert column(p, "lr") == ["0"] * 4


def test_literature_tensor_programs_5_tables_8_and_9() -> None:
    """Yang et al. 2022 (arXiv:2203.03466), table 8: output multiplier 1/n, variance 1, SGD n, Adam 1.

    Table 9: variance 1/n everywhere, multipliers n^1/2, 1, n^-1/2; SGD 1; Adam n^-1/2, n^-1, n^-1/2.
    """
    eight = "output-multiplier"
    assert column(derive(mlp(3), "sgd").in_gauge(eight), "lr") == ["1", "0", "1"]
    assert column(derive(mlp(3), "adam").in_gauge(eight), "lr") == ["0", "-1", "0"]
    assert column(derive(mlp(3), "adam").in_gauge(eight), "multiplier") == ["0", "0", "-1"]
    assert column(derive(mlp(3), "adam").in_gauge(eight), "init_std") == ["0", "-1/2", "0"]
    nine = "tensor-programs-4"
    assert column(derive(mlp(3), "sgd").in_gauge(nine), "lr") == ["0", "0", "0"]
    assert column(derive(mlp(3), "adam").in_gauge(nine), "lr") == ["-1/2", "-1", "-1/2"]
    assert column(derive(mlp(3), "adam").in_gauge(nine), "multiplier") == ["1/2", "0", "-1/2"]


@settings(max_examples=50, deadline=None)
@given(powers(), powers(), powers(), powers())
def test_property_invariants(multiplier: Power, std: Power, lr: Power, factor: Power) -> None:
    for optimizer in OPTIMIZERS.values():
        entry = Scaling(
            multiplier, std, lr, lr if optimizer.has_eps else None, std if optimizer.has_decay else None
        )
        moved = entry.shifted(factor, optimizer)
        assert moved.invariants(optimizer) == entry.invariants(optimizer)
        assert moved.multiplier * moved.init_std == multiplier * std
        assert moved.shifted(Power.one() / factor, optimizer) == entry
        # Control: the law of an optimizer of another degree isn't a symmetry of this one.
        other = OPTIMIZERS["adam" if optimizer.rate_gauge != 1 else "sgd"]
        wrong = entry.shifted(factor, other)
        assert factor == Power.one() or wrong.invariants(optimizer) != entry.invariants(optimizer)


@settings(max_examples=20, deadline=None)
@given(gauges(), gauges())
def test_property_gauges_are_a_group(one: str, two: str) -> None:
    for optimizer in ("sgd", "adam", "adamw", "adafactor", "muon+adamw-independent", "shampoo(1/2)"):
        p = named(mlp(3), "mup", optimizer)
        assert p.in_gauge(one).in_gauge(two).entries == p.in_gauge(two).entries


def _train(p: Parametrization, steps: int, eps: float) -> np.ndarray:
    """Train a linear chain of the parametrization in numpy, and return its last function values."""
    rng = np.random.default_rng(0)
    sizes, numbers = [3, 32, 32, 2], list(p.at(width=32, inputs=3, gamma=0.7).values())
    weights = [
        rng.normal(size=(o, i)) * e.init_std for e, i, o in zip(numbers, sizes, sizes[1:], strict=False)
    ]
    moments = [(0 * w, 0 * w) for w in weights]
    x, y = rng.normal(size=(3, 5)), rng.normal(size=(2, 5))
    for step in range(1, steps + 1):
        effective = [e.multiplier * w for e, w in zip(numbers, weights, strict=True)]
        layers = [x]
        for w in effective:
            layers.append(w @ layers[-1])
        back = (layers[-1] - y) / 5
        for index in reversed(range(3)):
            gradient = numbers[index].multiplier * back @ layers[index].T
            back = effective[index].T @ back
            if p.optimizer == "sgd":
                weights[index] = weights[index] - 0.05 * numbers[index].lr * gradient
                continue
            first, second = moments[index]
            first, second = 0.9 * first + 0.1 * gradient, 0.99 * second + 0.01 * gradient**2
            moments[index] = (first, second)
            root = np.sqrt(second / (1 - 0.99**step)) + eps * numbers[index].eps
            weights[index] = weights[index] - 0.05 * numbers[index].lr * first / (1 - 0.9**step) / root
    return layers[-1]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_oracle_training_is_the_same_in_every_gauge(optimizer: str) -> None:
    """Independent: a numpy network trained from the numbers of each gauge; arithmetic to 1e-10."""
    p = named(mlp(3, activation="linear", loss="squared"), "mup", optimizer)
    outcomes = {
        gauge: _train(p.in_gauge(gauge), 6, 0.3)
        for gauge in ("no-multipliers", "unit-variance", "tensor-programs-4")
    }
    first = outcomes["unit-variance"]
    for outcome in outcomes.values():
        np.testing.assert_allclose(outcome, first, rtol=0, atol=1e-10 * np.abs(first).max())
    # Control: a rate off by n^1/2 in one layer is another training.
    other = p.with_lr(
        {n: s.lr * Power({"width": "1/2" if n == "readout.weight" else 0}) for n, s in p.entries.items()}
    )
    assert np.abs(_train(other, 6, 0.3) - first).max() > 1e-3


def test_the_gauges_have_the_names_of_the_tables() -> None:
    p = derive(mlp(4), "adam")
    for alias, name in (
        ("table-3", "no-multipliers"),
        ("table-8", "output-multiplier"),
        ("ntk", "unit-variance"),
    ):
        assert p.in_gauge(alias).entries == p.in_gauge(name).entries
        assert p.in_gauge(alias).gauge == name


def test_unknown_gauge_is_refused() -> None:
    with pytest.raises(ScalingError) as caught:
        derive(mlp()).in_gauge("spectral")
    assert str(caught.value) == (
        "in_gauge: gauge must be one of no-multipliers, unit-variance, tensor-programs-4, "
        "output-multiplier, table-3, table-8, table-9, ntk; given 'spectral'"
    )
