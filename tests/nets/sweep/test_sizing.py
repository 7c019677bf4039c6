"""Sizing: operations counted by hand, numbers of runs and blocks, times that were measured."""

import math

import pytest

from scalewright.nets import sweep


def test_identity_operations_of_a_perceptron():
    """Identity: 6 for each weight and sample, 4 in the first layer, whose inputs need no gradient."""
    grid = sweep.grid(width=[8, 16], seed=range(5), samples=10, steps=9, block=4)
    rows = sweep.sizing(grid, measured=False)
    for width, row in zip((8, 16), rows, strict=True):
        weights = 64 * width + width**2 + 10 * width
        assert (row.runs, row.blocks, row.parameters) == (5, 2, weights)
        assert row.operations == 5 * 10 * 10 * (6 * weights - 2 * 64 * width)
        assert row.label == f"width {width}, float32"
        assert row.memory > 4 * 4 * 4 * weights
        assert math.isnan(row.seconds)


@pytest.mark.parametrize(
    "keys",
    [
        {"optimizer": "flow", "lr": 1.0},
        {"data": "teacher", "inputs": 6, "online": True, "batch": 4},
        {"model": "gpt", "width": 4, "data": "text", "inputs": 5, "loss": "cross-entropy", "samples": 4},
        {"model": "convnet", "width": 4, "quantities": ["sharpness", "feature_change"], "samples": 4},
    ],
)  # fmt: skip
def test_property_every_kind_of_run_is_measured(keys):
    """Property: positive operations, memory and time."""
    (row,) = sweep.sizing(sweep.grid(**{"width": 8, "steps": 3, "points": 2, **keys}))
    assert min(row.operations, row.memory, row.seconds) > 0


def test_bad_input_a_block_that_is_too_large():
    """Property: one sentence, with the reason that torch gives."""
    with pytest.raises(ValueError, match=r"^sizing: a block of this grid can't be made here: "):
        sweep.sizing(sweep.grid(width=10**8), measured=False)
