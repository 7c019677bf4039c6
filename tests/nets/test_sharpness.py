"""Sharpness of modules and ensembles."""

import numpy as np
import pytest
import torch
from torch.func import functional_call, hessian

from scalewright import nets
from scalewright.nets.losses import LOSSES


# torch.func.hessian loads torch's own scripted decompositions, which warn of torch.jit.script on first use.
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
@pytest.mark.parametrize("loss", ["mse", "cross-entropy"])
def test_oracle_plain_module(data, labels, loss):
    """Oracle: dense Hessian of the module's own weights, all eigenvalues; the module keeps its bytes."""
    model = nets.models.mlp(2, 4, 3, 2, "tanh").double()
    before = {name: value.numpy().tobytes() for name, value in model.state_dict().items()}
    batch = data if loss == "mse" else labels
    pairs = nets.sharpness(model, loss, batch, k=2, tolerance=1e-9)
    weights = {name: weight.detach() for name, weight in model.named_parameters()}
    flat = torch.cat([weight.flatten() for weight in weights.values()])

    def value(vector):
        parts = vector.split([weight.numel() for weight in weights.values()])
        named = {n: p.reshape(w.shape) for (n, w), p in zip(weights.items(), parts, strict=True)}
        return LOSSES[loss].value(functional_call(model, named, (batch[0],))[None], batch[1])[0]

    exact = torch.linalg.eigvalsh(hessian(value)(flat)).flip(0)[:2]
    np.testing.assert_allclose(pairs.values[0], exact, rtol=1e-8)
    assert {name: value.numpy().tobytes() for name, value in model.state_dict().items()} == before


def test_identity_module_and_ensemble_agree(ensemble, parametrization, data):
    """Identity: a parametrized module has the rescaled sharpness of the ensemble's member."""
    module = nets.parametrize(
        lambda: nets.models.mlp(3, 8, 3, 2, "tanh"),
        parametrization(3),
        width=8,
        inputs=3,
        outputs=2,
        seed=1,
        device="cpu",
    )
    one = nets.sharpness(module, "mse", data, tolerance=1e-9).values[0, 0]
    many = nets.sharpness(ensemble(seeds=(0, 1)), "mse", data, tolerance=1e-9).values[1, 0]
    np.testing.assert_allclose(one, many, rtol=1e-9)
    raw = nets.sharpness(module, "mse", data, tolerance=1e-9, raw=True).values[0, 0]
    assert abs(raw - one) > 1e-3 * one  # control: the rates are not all 1


def test_measure_rejects_unknown_quantities(ensemble, data):
    """Property: the whole sentence."""
    sentence = (
        "measure: every quantity must be one of sharpness, raw_sharpness, ntk, gauss_newton, residual; "
        "given 'trace'"
    )
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        nets.measure(ensemble(), data, quantities=("trace",))


def test_module_without_parameters(data):
    """Property: the whole sentence."""
    sentence = "Ensemble.single: module must have parameters; given one without any"
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        nets.sharpness(torch.nn.Tanh(), "mse", data)
