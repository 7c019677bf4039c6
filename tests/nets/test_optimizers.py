"""Updates of the stacked weights, and the Lambda under which curvature is measured."""

import re

import pytest
import torch

from scalewright.nets.objective import Objective
from scalewright.nets.optimizers import Adam, Settings, optimizer_of

SETTINGS = Settings(momentum=0.8, betas=(0.7, 0.9), eps=1e-3, weight_decay=0.3)


def ones(networks):
    """Return a gradient of ones."""
    return {name: torch.ones_like(weight) for name, weight in networks.parameters.items()}


def test_identity_adams_first_step_is_the_rate_times_the_sign(ensemble):
    """Identity: m = v = 1 after bias correction, so the step is lr rate / (1 + eps power)."""
    networks = ensemble(changes={"optimizer": "adam"})
    before = networks.parameters["readout.weight"].clone()
    optimizer = optimizer_of(networks)
    optimizer.absorb(ones(networks))
    optimizer.update(torch.tensor([True, False]))
    change = before - networks.parameters["readout.weight"]
    step = 0.1 * networks.rates["readout.weight"] / (1 + 1e-8 * networks.epsilons["readout.weight"])
    torch.testing.assert_close(change[0], step[0].expand(change[0].shape), rtol=1e-9, atol=0)
    assert change[1].abs().max() == 0  # control: a member that does not move


def test_identity_adams_metric_scales_against_the_gradient(ensemble):
    """Identity: without epsilon, twice the gradient is half of Lambda; the rates of SGD do not see it."""
    for kind, ratio in (("adam", 0.5), ("sgd", 1.0)):
        networks = ensemble(changes={"optimizer": kind})
        metrics = []
        for factor in (1.0, 2.0):
            optimizer = Adam(networks, Settings(eps=0.0)) if kind == "adam" else optimizer_of(networks)
            optimizer.absorb({name: factor * gradient for name, gradient in ones(networks).items()})
            metrics.append(optimizer.metric()["input.weight"])
        torch.testing.assert_close(metrics[1], ratio * metrics[0])


def steps(networks, data, count, settings=SETTINGS):
    """Take some steps of the ensemble's optimizer on the squared loss."""
    optimizer = optimizer_of(networks, settings)
    for _ in range(count):
        _, gradients = Objective.of(networks, "mse", data).gradient()
        optimizer.absorb(gradients)
        optimizer.update(networks.active)


@pytest.mark.parametrize(
    ("name", "kind", "arguments"),
    [
        ("momentum", torch.optim.SGD, {"momentum": 0.8}),
        ("adam", torch.optim.Adam, {"betas": (0.7, 0.9)}),
        ("adamw", torch.optim.AdamW, {"betas": (0.7, 0.9)}),
    ],
)
def test_oracle_torch_takes_the_same_steps(ensemble, data, name, kind, arguments):
    """Oracle: torch's optimizer of one network with a group a weight, 6 steps, 1e-10 in float64.

    The groups have the parametrization's rates, epsilons and decays, which differ between the weights.
    Control: without momentum, or with another epsilon, it is somewhere else.
    """
    networks = ensemble(seeds=(3,), changes={"optimizer": name})
    leaves = {key: weight[0].clone().requires_grad_() for key, weight in networks.parameters.items()}
    groups = [
        {
            "params": [leaf],
            "lr": 0.1 * networks.rates[key].item(),
            **({"eps": 1e-3 * networks.epsilons[key].item()} if name.startswith("adam") else {}),
            **({"weight_decay": 0.3 * networks.decays[key].item()} if name == "adamw" else {}),
        }
        for key, leaf in leaves.items()
    ]
    optimizer = kind(groups, **arguments)
    for _ in range(6):
        optimizer.zero_grad()
        outputs = networks.forward({key: leaf[None] for key, leaf in leaves.items()}, data[0])[0]
        ((outputs - data[1]).square().sum() / 12).backward()
        optimizer.step()
    other = ensemble(seeds=(3,), changes={"optimizer": name})
    steps(networks, data, 6)
    steps(other, data, 6, Settings())
    for key, leaf in leaves.items():
        torch.testing.assert_close(networks.parameters[key][0], leaf.detach(), rtol=1e-10, atol=1e-12)
        assert not torch.allclose(other.parameters[key][0], leaf.detach(), rtol=1e-4)


def test_identity_sign_descent_moves_every_entry_by_its_rate(ensemble, data):
    """Identity: the change is lr rate in size, against the gradient; a gradient of 0 moves nothing."""
    networks = ensemble(changes={"optimizer": "sign"})
    before = {key: weight.clone() for key, weight in networks.parameters.items()}
    _, gradients = Objective.of(networks, "mse", data).gradient()
    steps(networks, data, 1)
    for key, weight in networks.parameters.items():
        step = 0.1 * networks.rates[key][:, None, None] * gradients[key].sign()
        torch.testing.assert_close(before[key] - weight, step, rtol=0, atol=1e-14)
    optimizer = optimizer_of(networks)
    optimizer.absorb({key: torch.zeros_like(weight) for key, weight in networks.parameters.items()})
    before = networks.parameters["input.weight"].clone()
    optimizer.update(networks.active)
    assert torch.equal(networks.parameters["input.weight"], before)


@pytest.mark.parametrize("name", ["sgd", "momentum", "sign", "adam", "adamw"])
def test_identity_frozen_members_keep_their_bytes(ensemble, data, name):
    """Identity: whatever the moments and the decay of a frozen member, nan in it included."""
    networks = ensemble(seeds=(0, 1, 2), changes={"optimizer": name})
    alone = ensemble(seeds=(0, 1, 2), changes={"optimizer": name})
    steps(networks, data, 2)
    steps(alone, data, 2)
    networks.diverged_at[1] = 2
    networks.parameters["input.weight"][1, 0, 0] = float("nan")
    before = networks.weights()
    steps(networks, data, 2)
    steps(alone, data, 2)
    for key, weight in networks.weights()[1].items():
        assert weight.tobytes() == before[1][key].tobytes()
    for member in (0, 2):
        for key, weight in networks.weights()[member].items():
            assert weight.tobytes() == alone.weights()[member][key].tobytes()
            assert weight.tobytes() != before[member][key].tobytes()  # control: these did move


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"momentum": 1.0}, "momentum must lie in [0, 1); given 1.0"),
        ({"betas": (-0.1, 0.9)}, "betas[0] must lie in [0, 1); given -0.1"),
        ({"betas": (0.9, float("nan"))}, "betas[1] must lie in [0, 1); given nan"),
        ({"eps": -1e-8}, "eps must be non-negative and finite; given -1e-08"),
        ({"weight_decay": float("inf")}, "weight_decay must be non-negative and finite; given inf"),
    ],
)
def test_bad_settings(arguments, sentence):
    """Property: the whole sentence."""
    with pytest.raises(ValueError, match=f"^Settings: {re.escape(sentence)}$"):
        Settings(**arguments)


def test_unknown_optimizer(ensemble):
    """Property: the whole sentence."""
    networks = ensemble()
    networks.optimizer = "muon"
    sentence = (
        "train: the ensemble's optimizer must be one of 'sgd', 'momentum', 'sign', 'adam', 'adamw'; "
        "given 'muon'"
    )
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        optimizer_of(networks)
