"""Updates of the stacked weights, and the Lambda under which curvature is measured."""

import pytest
import torch

from scalewright.nets.optimizers import Adam, Settings, optimizer_of


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
