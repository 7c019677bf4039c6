"""The losses: torch's own as oracle, derivatives by automatic differentiation, bad targets."""

import re

import pytest
import torch

from scalewright.nets.losses import LOSSES, resolve


@pytest.fixture
def case(data, labels):
    """Return outputs of three members, and targets by loss."""
    outputs = torch.randn(3, 6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return outputs, {"mse": data[1], "cross-entropy": labels[1]}


def test_oracle_values_are_torchs(case):
    """Oracle: torch's MSELoss is 2/K times ours, its cross-entropy is ours."""
    outputs, targets = case
    squared = LOSSES["mse"].value(outputs, targets["mse"])
    entropy = LOSSES["cross-entropy"].value(outputs, targets["cross-entropy"])
    for member in range(3):
        mean = torch.nn.functional.mse_loss(outputs[member], targets["mse"])
        torch.testing.assert_close(squared[member] * 2 / 2, mean)
        expected = torch.nn.functional.cross_entropy(outputs[member], targets["cross-entropy"])
        torch.testing.assert_close(entropy[member], expected)


@pytest.mark.parametrize("name", ["mse", "cross-entropy"])
def test_oracle_derivatives_are_autograds(case, name):
    """Oracle: first derivative and curvature product against automatic differentiation."""
    outputs, targets = case
    loss, target = LOSSES[name], targets[name]
    leaf = outputs.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss.value(leaf, target).sum(), leaf, create_graph=True)
    torch.testing.assert_close(gradient, loss.gradient(outputs, target))
    vectors = torch.ones_like(outputs) * torch.tensor([1.0, -2.0])
    (product,) = torch.autograd.grad(gradient, leaf, grad_outputs=vectors)
    torch.testing.assert_close(product, loss.curvature(outputs, target, vectors))


@pytest.mark.parametrize("shared", [True, False])
def test_oracle_every_position_of_a_text_is_a_sample(shared):
    """Oracle: torch's mean over samples and positions (P, T), value and derivatives; targets also by member.

    To 12 digits in float64.
    """
    generator = torch.Generator().manual_seed(1)
    outputs, vectors = torch.randn(2, 3, 4, 5, 6, dtype=torch.float64, generator=generator)
    targets = torch.randint(6, (4, 5) if shared else (3, 4, 5), generator=generator)
    loss = LOSSES["cross-entropy"]
    leaf = outputs.clone().requires_grad_()
    expected = torch.stack(
        [
            torch.nn.functional.cross_entropy(member.mT, targets if shared else targets[index])
            for index, member in enumerate(leaf)
        ]
    )
    torch.testing.assert_close(loss.value(outputs, targets), expected, rtol=1e-12, atol=0)
    (gradient,) = torch.autograd.grad(expected.sum(), leaf, create_graph=True)
    torch.testing.assert_close(loss.gradient(outputs, targets), gradient, rtol=1e-12, atol=1e-15)
    (product,) = torch.autograd.grad(gradient, leaf, grad_outputs=vectors)
    torch.testing.assert_close(loss.curvature(outputs, targets, vectors), product, rtol=1e-12, atol=1e-15)
    loss.check(targets if shared else targets[0], 4)


@pytest.mark.parametrize("name", ["mse", "cross-entropy"])
def test_identity_targets_of_ones_own_are_those_of_single_losses(case, name):
    """Identity: targets (M, P, ...) are M losses; control: the targets of another member are not."""
    outputs, targets = case
    own = torch.stack([targets[name].roll(shift, 0) for shift in range(3)])
    found = LOSSES[name].value(outputs, own)
    for member in range(3):
        alone = LOSSES[name].value(outputs[member : member + 1], own[member])
        torch.testing.assert_close(found[member : member + 1], alone)
    assert not torch.allclose(found, LOSSES[name].value(outputs, own.roll(1, 0)))


def test_identity_class_indices_and_one_hot_agree(case):
    """Identity: indices are shorthand for one-hot rows."""
    outputs, targets = case
    one_hot = torch.nn.functional.one_hot(targets["cross-entropy"], 2).double()
    loss = LOSSES["cross-entropy"]
    torch.testing.assert_close(loss.value(outputs, targets["cross-entropy"]), loss.value(outputs, one_hot))


def test_bad_input(data):
    """Property: whole sentences for an unknown loss and for centred targets under cross-entropy."""
    with pytest.raises(ValueError, match=r"^loss must be one of 'mse', 'cross-entropy'; given 'hinge'$"):
        resolve("hinge")
    sentence = (
        "loss 'cross-entropy' needs class indices of shape (6,) or probabilities of shape (6, outputs) whose "
        "rows add up to 1 (data.load(..., targets='one-hot')); given torch.float64 of shape (6, 2)"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        LOSSES["cross-entropy"].check(data[1], 6)
    sentence = "loss 'mse' needs real targets of shape (6, outputs); given torch.int64 of shape (6,)"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        LOSSES["mse"].check(torch.zeros(6, dtype=torch.int64), 6)
