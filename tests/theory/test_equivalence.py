"""Equivalence: what the gauge and rescaling connect, what they don't, and that training in numpy agrees."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from scalewright import theory as th
from scalewright.theory.strategies import gauges, optimizers


@settings(max_examples=40, deadline=None)
@given(gauges(), gauges(), optimizers())
def test_property_gauges_are_equivalent(one: str, two: str, optimizer: str) -> None:
    p = th.derive(th.mlp(3, bias=True), optimizer)
    same = th.equivalent(p.in_gauge(one), p.in_gauge(two))
    assert same
    assert same.rescaling == {}
    assert same.gauge == {
        name: p.in_gauge(two)[name].multiplier / p.in_gauge(one)[name].multiplier for name in p.entries
    }


def shifted(p: th.Parametrization, name: str, std: str, lr: str) -> th.Parametrization:
    """Return the parametrization with one weight's deviation and rate changed by powers of the width."""
    entry = p[name]
    moved = replace(
        entry, init_std=entry.init_std * th.Power({"width": std}), lr=entry.lr * th.Power({"width": lr})
    )
    return replace(p, entries={**p.entries, name: moved})


def trained(p: th.Parametrization, width: int = 24, steps: int = 5) -> np.ndarray:
    """Train a ReLU network without biases by SGD in numpy, and return its function values after every
    step."""
    rng = np.random.default_rng(3)
    numbers = list(p.at(width=width, inputs=4, outputs=2).values())
    shapes = [(width, 4), (width, width), (2, width)]
    weights = [n.init_std * rng.normal(size=s) for n, s in zip(numbers, shapes, strict=True)]
    x, y, found = rng.normal(size=(4, 6)), rng.normal(size=(2, 6)), []
    for _ in range(steps):
        layers = [x]
        for n, w in zip(numbers, weights, strict=True):
            layers.append(
                np.maximum(n.multiplier * w @ layers[-1], 0)
                if w.shape[0] == width
                else n.multiplier * w @ layers[-1]
            )
        found.append(layers[-1])
        back = (layers[-1] - y) / 6
        for index in reversed(range(3)):
            n, w = numbers[index], weights[index]
            before = n.multiplier * w.T @ back
            weights[index] = w - 0.05 * n.lr * n.multiplier * back @ layers[index].T
            back = before * (layers[index] > 0) if index else before
    return np.array(found)


def test_oracle_rescaled_networks_train_the_same() -> None:
    """Independent: numpy. Hidden features larger by n and a readout smaller by n give the same function."""
    p = th.derive(th.mlp(3), "sgd")
    other = shifted(shifted(p, "hidden.0.weight", "1", "2"), "readout.weight", "-1", "-2")
    same = th.equivalent(p, other)
    assert same
    assert str(same.rescaling["hidden.0"]) == "n"
    one, two = trained(p), trained(other)
    assert np.abs(one - two).max() < 1e-9 * np.abs(one).max()
    # Control: the rate alone moved is another training, for the verdict and for the network.
    wrong = shifted(p, "hidden.0.weight", "0", "1/2")
    verdict = th.equivalent(p, wrong)
    assert not verdict
    assert str(verdict) == "different training: lr of hidden.0.weight: 1 against n^1/2"
    assert np.abs(one - trained(wrong)).max() > 1e-3


@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_control_saturating_activations_can_not_be_rescaled(activation: str) -> None:
    p = th.derive(th.mlp(3, activation=activation), "sgd")
    other = shifted(shifted(p, "hidden.0.weight", "1", "2"), "readout.weight", "-1", "-2")
    assert not th.equivalent(p, other)


def test_a_norm_absorbs_the_size_of_what_it_takes() -> None:
    """Before a norm a weight may be larger if its rate is larger twice (SGD) or once (Adam)."""
    for optimizer, rate in (("sgd", "2"), ("sign", "1")):
        p = th.derive(th.convnet(3, norm="batch"), optimizer)
        assert th.equivalent(p, shifted(p, "hidden.0.weight", "1", rate))
        assert not th.equivalent(p, shifted(p, "hidden.0.weight", "1", "0"))


def test_the_optimizer_decides() -> None:
    p = th.derive(th.mlp(3), "sgd")
    adam = replace(p, optimizer="adam", assignment=None)
    moved = p.in_gauge("ntk")
    assert th.equivalent(p, moved)
    assert not th.equivalent(adam, replace(moved, optimizer="adam", assignment=None))
    assert not th.equivalent(p, moved, "adam")


def test_other_architectures_and_axes_are_refused() -> None:
    p = th.derive(th.mlp(3))
    for other in (th.mlp(4), th.mlp(3, activation="tanh"), th.mlp(3, loss="squared")):
        with pytest.raises(th.ScalingError, match="both parametrizations must be of one architecture"):
            th.equivalent(p, th.derive(other))
    with pytest.raises(th.ScalingError) as axes:
        th.equivalent(p, th.derive(th.mlp(3), axes=("width", "batch")))
    assert str(axes.value) == (
        "equivalent: both parametrizations must have the same axes; given ('width',) and ('width', 'batch')"
    )
