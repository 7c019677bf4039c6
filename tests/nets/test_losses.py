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
