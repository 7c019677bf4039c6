"""CUDA against the CPU: the same numbers, the same refusals, and nothing changed."""

import copy

import numpy as np
import pytest
import torch

from scalewright import nets

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
]


def test_oracle_quantities_agree_with_the_cpu(data):
    """Oracle: every quantity of a float64 network, to 1e-8."""
    model = nets.models.mlp(3, 16, 3, 2, "tanh").double()
    names = ("hessian", "gauss_newton", "residual", "ntk", "directional_sharpness")
    there = copy.deepcopy(model).cuda()
    here = nets.quantities(model, "mse", data, names, k=1, tolerance=1e-9)
    cuda = nets.quantities(there, "mse", tuple(part.cuda() for part in data), names, tolerance=1e-9)
    for name in names:
        np.testing.assert_allclose(cuda[name].values, here[name].values, rtol=1e-8)


def test_oracle_ensembles_and_tracking_agree_with_the_cpu(ensemble, data):
    """Oracle: warm measurements of two members over some training, on both devices."""
    values = []
    for device in ("cpu", "cuda"):
        networks = ensemble(device=device)
        tracker = nets.SharpnessTracker(networks, "mse", data, every=1, tolerance=1e-8)
        for _ in range(4):
            tracker.step()
            nets.train(networks, data, steps=3)
        values.append(tracker.trajectory.sharpness.values)
    np.testing.assert_allclose(*values, rtol=1e-8)


def test_property_cuda_random_state_and_data_elsewhere(data):
    """Property: CUDA's random state is kept; data on the CPU are refused with one sentence."""
    model = nets.models.mlp(2, 4, 3, 2, "tanh").double().cuda()
    before = torch.cuda.get_rng_state()
    nets.sharpness(model, "mse", tuple(part.cuda() for part in data))
    assert torch.equal(torch.cuda.get_rng_state(), before)
    with pytest.raises(
        ValueError, match=r"^data must be on the model's device cuda:0; given a tensor on cpu"
    ):
        nets.sharpness(model, "mse", data)
