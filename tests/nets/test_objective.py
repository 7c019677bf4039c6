"""The loss of an ensemble and its gradient, against single networks."""

import torch

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
