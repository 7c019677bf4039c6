"""Blocks: membership and order are functions of the runs alone."""

import pytest

from scalewright.nets import sweep
from scalewright.nets.sweep.plan import Planned, plan


def test_identity_runs_of_one_shape_stand_together_in_order():
    """Identity: groups by shape in the grid's order, `block` at a time; float64 where gamma asks for it."""
    grid = sweep.grid(width=[8, 16], gamma=[1e-3, 1.0], seed=range(3), block=2)
    blocks = plan(grid.runs, [str(index) for index in range(grid.size)])
    assert [block.keys for block in blocks] == [
        ("0", "1"), ("2",), ("3", "4"), ("5",), ("6", "7"), ("8",), ("9", "10"), ("11",)
    ]  # fmt: skip
    assert all(len({run.shape() for run in block.runs}) == 1 for block in blocks)
    assert [block.runs[0].precision for block in blocks[:3]] == ["float64", "float64", "float32"]


@pytest.mark.parametrize(("runs", "slots"), [(1, 2), (2, 2), (3, 4), (5, 8), (64, 64), (65, 128)])
def test_identity_slots_are_powers_of_two(runs, slots):
    """Identity: the next power of two from 2 on, filled with copies of the last run."""
    found = sweep.grid(seed=range(runs)).runs
    block = Planned(found, tuple(map(str, range(runs))))
    assert block.slots == len(block.padded) == slots
    assert block.padded[:runs] == found
    assert set(block.padded[runs:]) <= {found[-1]}


def test_identity_without_leaves_the_others_in_order():
    """Identity: what is there is left out, nothing else moves."""
    block = Planned(sweep.grid(seed=range(4)).runs, ("a", "b", "c", "d"))
    left = block.without({"b", "x"})
    assert left.keys == ("a", "c", "d")
    assert [run.seed for run in left.runs] == [0, 2, 3]
