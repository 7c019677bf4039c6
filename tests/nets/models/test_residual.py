"""The residual network: numpy as oracle, its names and gains, bad input."""

from functools import partial

import numpy as np
import pytest
import torch

from scalewright import nets, theory
from scalewright.nets.models import HasGains, residual


@pytest.mark.parametrize("layers", [3, 5])
def test_identity_theory_s_one_block_stands_for_all(layers):
    """What theory derives for `resnet` can be put on this module by name, each branch at the block's rate."""
    rules = theory.named(theory.resnet(layers=1), "mup", "sgd")
    sizes = {"width": 8, "inputs": 3, "outputs": 2}
    networks = nets.Ensemble.of(partial(residual, layers), rules, device="cpu", **sizes)
    blocks = [f"blocks.{index}.0.weight" for index in range(layers - 2)]
    assert list(networks.parameters) == ["input.weight", *blocks, "readout.weight"]
    assert {float(networks.multipliers[name]) for name in blocks} == {8**-0.5}


@pytest.mark.parametrize("activation", ["linear", "relu", "tanh"])
def test_oracle_forward_in_numpy(activation):
    """Independent: the recursion written out with numpy's products."""
    model = residual(4, 5, 3, 2, activation).double()
    inputs = np.random.default_rng(0).standard_normal((7, 3))
    weights = {name: weight.detach().numpy() for name, weight in model.named_parameters()}
    phi = {"linear": lambda x: x, "relu": lambda x: np.maximum(x, 0), "tanh": np.tanh}[activation]
    stream = inputs @ weights["input.weight"].T
    for index in range(2):
        stream = stream + phi(stream) @ weights[f"blocks.{index}.0.weight"].T
    expected = phi(stream) @ weights["readout.weight"].T
    np.testing.assert_allclose(model(torch.from_numpy(inputs)).detach(), expected, rtol=1e-12, atol=1e-14)


def test_control_without_its_branches_it_is_another_function():
    model = residual(3, 5, 3, 2)
    inputs = torch.ones(1, 3)
    before = model(inputs)
    with torch.no_grad():
        model.blocks[0][0].weight.zero_()
    assert not torch.allclose(before, model(inputs))


def test_gains_are_for_the_readers_of_a_relu():
    model = residual(4, 5, 3, 2)
    assert isinstance(model, HasGains)
    assert set(model.gains()) == {"blocks.0.0.weight", "blocks.1.0.weight", "readout.weight"}
    assert residual(4, 5, 3, 2, "tanh").gains() == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((2, 4, 3, 2), r"layers must be at least 3, one of them a branch; given 2"),
        ((3, 0, 3, 2), r"width must be at least 1"),
        ((3, 4, 3, 2, "sine"), r"activation must be one of"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(ValueError, match=message):
        residual(*given)
