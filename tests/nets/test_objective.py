"""The loss of an ensemble and its gradient, against single networks."""

import re

import pytest
import torch

from scalewright.nets.data import TensorData
from scalewright.nets.objective import Objective


def test_oracle_gradient_is_the_loss_difference(ensemble, data):
    """Oracle: central differences along a random direction, to their own error of order h^2 = 1e-10."""
    networks = ensemble()
    objective = Objective.of(networks, "mse", data)
    losses, gradients = objective.gradient()
    generator, h = torch.Generator().manual_seed(0), 1e-5
    along = {n: torch.randn(w.shape, generator=generator).double() for n, w in networks.parameters.items()}
    ahead, behind = (
        objective.losses({n: w + sign * h * along[n] for n, w in networks.parameters.items()})
        for sign in (1, -1)
    )
    slopes = sum((gradients[name] * along[name]).flatten(1).sum(1) for name in along)
    torch.testing.assert_close((ahead - behind) / (2 * h), slopes, rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(losses, objective.losses(networks.parameters))


def test_identity_a_member_that_is_not_finite_leaves_the_others(ensemble, data):
    """Identity, to the byte: the gradient of member 0 beside a member of nan."""
    networks = ensemble()
    _, calm = Objective.of(networks, "mse", data).gradient()
    networks.parameters["input.weight"][1] = float("nan")
    losses, gradients = Objective.of(networks, "mse", data).gradient()
    assert losses.isfinite().tolist() == [True, False]
    for name, gradient in gradients.items():
        assert torch.equal(gradient[0], calm[name][0])


def test_identity_centred_losses_are_those_of_zero_outputs(ensemble, data):
    """Identity: at initialisation f - f_0 = 0, so the squared loss is |y|^2 / 2P; control: not without."""
    expected = data[1].square().sum() / 12
    for centred in (True, False):
        networks = ensemble(centred=centred)
        losses = Objective.of(networks, "mse", data).losses(networks.parameters)
        assert torch.allclose(losses, expected) is centred


def test_identity_another_batch_and_a_part_of_the_members(ensemble, data):
    """Identity: `on` and `select` are the objective made anew, what is subtracted at the start included."""
    networks = ensemble(seeds=(0, 1, 2), centred=True)
    for weight in networks.parameters.values():
        weight.mul_(1.5)
    own = TensorData(torch.stack([data[0]] * 3) * 2, torch.stack([data[1]] * 3), shared=False)
    moved, made = Objective.of(networks, "mse", data).on(own), Objective.of(networks, "mse", own)
    assert torch.equal(moved.gradient()[0], made.gradient()[0])
    doubled = Objective.of(networks, "mse", (2 * data[0], data[1]))
    torch.testing.assert_close(moved.gradient()[0], doubled.gradient()[0], rtol=1e-12, atol=0)
    part = made.select(torch.tensor([2, 0]))
    torch.testing.assert_close(part.gradient()[0], made.gradient()[0][[2, 0]], rtol=1e-12, atol=0)


def test_bad_samples_of_their_own(ensemble, data):
    """Property: the whole sentence where they are not those of the members."""
    own = TensorData(data[0][None], data[1][None], shared=False)
    sentence = "data that are not shared must have one entry a member, 2; given 1"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        Objective.of(ensemble(), "mse", own)
    sentence = "the model's outputs for one sample must have the shape (1, 1) of the targets; given (1, 2)"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        Objective.of(ensemble(), "mse", (data[0], data[1][:, :1]))
