"""Records of sweeps: a round trip, and which changes of a grid are refused."""

import re

import pytest

from scalewright.sim.store.sweeps import Sweep, changes, read

GRID = {"fixed": {"model": "mlp", "layers": 3}, "axes": {"width": [8, 16], "lr": [0.1, 0.2]}}


def grid(fixed=None, axes=None):
    """Return `GRID` with some entries changed."""
    return {"fixed": {**GRID["fixed"], **(fixed or {})}, "axes": axes or GRID["axes"]}


def test_identity_read_is_what_was_written(tmp_path):
    """Identity: name, grid with the order of its axes, and keys."""
    mine = Sweep("first", GRID, ("a", "b"))
    (tmp_path / "first.json").write_text(mine.to_json())
    found = read(tmp_path / "first.json")
    assert found == mine
    assert list(found.grid["axes"]) == ["width", "lr"]


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (grid(), ""),
        (grid(axes={"width": [8, 12, 16], "lr": [0.3, 0.2, 0.1]}), ""),
        (grid(fixed={"layers": 4}), "layers was 3 and is 4"),
        (grid(fixed={"loss": "mse"}), "loss was the default and is 'mse'"),
        (grid(fixed={"lr": 0.1}, axes={"width": [8, 16]}), "lr was an axis and is 0.1"),
        (grid(axes={"lr": [0.1, 0.2], "width": [8, 16]}), "the axes were width, lr and are lr, width"),
        (grid(axes={"width": [8, 16]}), "the axes were width, lr and are width"),
        (grid(axes={"width": [8, 16], "lr": [0.2]}), "lr no longer has 0.1"),
    ],
)
def test_changes(new, said):
    """Property: the same or a wider grid says nothing; another one says what changed."""
    assert changes(GRID, new) == said


@pytest.mark.parametrize("content", ["{", "[]", '{"name": "first"}', '{"name": 1, "grid": {}, "keys": 3}'])
def test_bad_record(tmp_path, content):
    """Property: one sentence with the file's name and what to do."""
    path = tmp_path / "first.json"
    path.write_text(content)
    with pytest.raises(
        ValueError, match=rf"^{re.escape(str(path))} is no record of a sweep \(.+\); delete it and run"
    ):
        read(path)
