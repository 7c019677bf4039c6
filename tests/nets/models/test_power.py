"""Powers of a ReLU: numpy as oracle, the degree in all weights, bad input."""

from functools import partial

import numpy as np
import pytest
import torch

from scalewright import nets, theory
from scalewright.nets.models import power_mlp
from scalewright.theory import richness


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_oracle_forward_in_numpy(degree):
    """Independent: the recursion written out with numpy's products."""
    model = power_mlp(degree, 3, 5, 4, 2).double()
    inputs = np.random.default_rng(0).standard_normal((7, 4))
    weights = {name: weight.detach().numpy() for name, weight in model.named_parameters()}
    features = np.maximum(inputs @ weights["input.weight"].T, 0) ** degree
    features = np.maximum(features @ weights["hidden.0.weight"].T, 0) ** degree
    expected = features @ weights["readout.weight"].T
    np.testing.assert_allclose(model(torch.from_numpy(inputs)).detach(), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("degree", "layers"), [(1, 3), (2, 2), (2, 3), (3, 2)])
def test_identity_all_weights_together_have_the_degree_that_theory_says(degree, layers):
    model, inputs = power_mlp(degree, layers, 6, 4, 1).double(), torch.ones(1, 4, dtype=torch.float64)
    before = float(model(inputs).detach())
    with torch.no_grad():
        for weight in model.parameters():
            weight *= 2
    total = int(richness.total_degree(layers, degree))
    assert float(model(inputs).detach()) == pytest.approx(2**total * before, rel=1e-12)


def test_a_parametrization_of_an_mlp_can_be_put_on_it():
    rules = theory.named(theory.mlp(2, "relu"), "mup", "sgd")
    sizes = {"width": 8, "inputs": 3, "outputs": 2}
    networks = nets.Ensemble.of(partial(power_mlp, 2, 2), rules, device="cpu", **sizes)
    assert list(networks.parameters) == ["input.weight", "readout.weight"]


def test_bad_input():
    with pytest.raises(ValueError, match="power_mlp: degree must be at least 1; given 0"):
        power_mlp(0, 2, 5, 4, 1)
    with pytest.raises(ValueError, match="power_mlp: layers counts weight layers"):
        power_mlp(2, 1, 5, 4, 1)
