"""Sharpness of modules and ensembles."""

import re

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
    sentence = "model must have parameters; given one without any"
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        nets.sharpness(torch.nn.Tanh(), "mse", data)


def test_identity_frozen_parameters_are_constants(data, parametrization):
    """Identity: without a hidden layer's gradient the pairs are those of the rest, rescaled or raw."""
    frozen = nets.parametrize(
        lambda: nets.models.mlp(2, 8, 3, 2, "tanh"),
        parametrization(2),
        width=8,
        inputs=3,
        outputs=2,
        device="cpu",
    )
    outputs = frozen(data[0]).detach()
    frozen.model.input.weight.requires_grad_(False)
    one = nets.Ensemble.single(frozen)
    assert list(one.parameters) == ["readout.weight"]
    torch.testing.assert_close(one.forward(one.parameters, data[0])[0], outputs)
    features = torch.tanh(frozen.numbers["input.weight"].multiplier * frozen.model.input(data[0])).detach()
    entry = frozen.numbers["readout.weight"]
    raw = torch.linalg.eigvalsh(features.T @ features / 6)[-1].item() * entry.multiplier**2
    for scale, without in ((entry.lr, False), (1.0, True)):
        found = nets.sharpness(frozen, "mse", data, tolerance=1e-9, raw=without).values[0, 0]
        np.testing.assert_allclose(found, scale * raw, rtol=1e-9)
    frozen.model.readout.weight.requires_grad_(False)
    sentence = "model must have a parameter with requires_grad=True; given none"
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        nets.sharpness(frozen, "mse", data)


def test_tolerances_below_rounding_and_ensembles_of_low_precision_are_refused(ensemble, data):
    """Property: whole sentences."""
    model = nets.models.mlp(2, 4, 3, 2, "tanh")
    sentence = "top_eigenpairs: tolerance must be at least 1.2e-05 in torch.float32; given 1e-09"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        nets.sharpness(model.float(), "mse", data, tolerance=1e-9)
    sentence = (
        "top_eigenpairs: eigenvalues need products in float32 or float64; given torch.bfloat16: "
        "convert the module or ensemble first"
    )
    with pytest.raises(TypeError, match=f"^{re.escape(sentence)}$"):
        nets.sharpness(ensemble(dtype=torch.bfloat16), "mse", data)
