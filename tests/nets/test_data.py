"""Data as tensors are the arrays of sim."""

import re

import numpy as np
import pytest
import torch

from scalewright import nets
from scalewright.sim import data as arrays


def test_identity_tensors_are_the_arrays():
    """Identity: the numbers, the checksum, and the dtype asked for."""
    mine, exact = nets.data.load("digits", samples=5, device="cpu"), arrays.load("digits", samples=5)
    assert np.array_equal(mine.inputs.numpy(), exact.inputs)
    assert np.array_equal(mine.targets.numpy(), exact.targets)
    assert mine.sha256 == exact.sha256
    assert (
        nets.data.load("digits", samples=5, dtype=torch.float32, device="cpu").inputs.dtype == torch.float32
    )
    assert nets.data.as_data(exact).sha256 == exact.sha256


def own(members=2, samples=3):
    """Return samples that each member owns, numbered."""
    inputs = torch.arange(members * samples, dtype=torch.float64).reshape(members, samples, 1)
    return nets.data.TensorData(inputs, 2 * inputs, "mine", "abc", shared=False)


def test_identity_members_of_samples_of_their_own():
    """Identity: their number is that of each member, and a part of the members keeps theirs."""
    data = own()
    assert data.samples == 3
    part = data.select(torch.tensor([1, 1]))
    assert torch.equal(part.inputs, data.inputs[[1, 1]])
    assert torch.equal(part.targets, data.targets[[1, 1]])
    assert (part.name, part.sha256, part.shared) == ("mine", "abc", False)
    shared = nets.data.as_data((data.inputs[0], data.targets[0]))
    assert shared.select(torch.tensor([1, 1])) is shared


def test_identity_class_indices_stay_integers():
    """Identity: `to` changes real numbers alone, of tokens and classes none."""
    tokens = torch.tensor([[1, 2], [3, 4]])
    data = nets.data.TensorData(tokens, tokens).to(torch.float32, torch.device("cpu"))
    assert (data.inputs.dtype, data.targets.dtype) == (torch.int64, torch.int64)
    assert own().to(torch.float32, torch.device("cpu")).inputs.dtype == torch.float32


@pytest.mark.parametrize(
    ("inputs", "targets", "sentence"),
    [
        (
            torch.zeros(2, 3, 1),
            torch.zeros(2, 4, 1),
            "data: inputs and targets must have the same positive number of samples; given (2, 3) and (2, 4)",
        ),
        (
            torch.zeros(2, 0, 1),
            torch.zeros(2, 0, 1),
            "data: inputs and targets must have the same positive number of samples; given (2, 0) and (2, 0)",
        ),
        (
            torch.tensor([[[0.0], [1.0]], [[2.0], [torch.nan]]]),
            torch.zeros(2, 2, 1),
            "data: inputs must be finite; given nan or inf in sample 3",
        ),
    ],
)
def test_bad_samples_of_their_own(inputs, targets, sentence):
    """Property: the whole sentence; samples are counted over the members. Control: checked ones pass."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        nets.data.TensorData(inputs, targets, shared=False)
    nets.data.TensorData(inputs, targets, shared=False, checked=True)
