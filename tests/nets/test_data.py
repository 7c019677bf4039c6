"""Data as tensors are the arrays of sim."""

import numpy as np
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
