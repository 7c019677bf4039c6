"""The view of a grid: lazy arrays that are numpy's, whatever is asked of them; missing runs; exports."""

import re

import numpy as np
import pytest
import xarray as xr

from scalewright.sim.dataset import save
from scalewright.sim.store import Store, Sweep
from scalewright.sim.store import block as blocks
from scalewright.sim.store.export import frame
from scalewright.sim.store.view import open_sweep, view

AXES = {"gamma": [0.5, 1.0], "seed": [0, 1, 2]}
KEYS = np.array([["a0", "a1", "a2"], ["b0", "b1", "b2"]], dtype=object)


@pytest.fixture
def opened(monkeypatch):
    """Return the names of the files from which columns are read, in order."""
    names = []

    def counted(path, name, rows, original=blocks.column):
        names.append(path.name)
        return original(path, name, rows)

    monkeypatch.setattr(blocks, "column", counted)
    return names


@pytest.fixture
def grid(store, block):
    """Return a store with five of the six runs, in three files, out of order."""
    store.add(block("b1", "a0"))
    store.add(block("a2", "b2"))
    store.add(block("a1", diverged=3))
    store.refresh()
    return store


def eager(block, name):
    """Return the array that the view should be: nan for b0."""
    rows = [block(key).values[name][0] for key in KEYS.ravel()]
    rows[3] = np.full_like(rows[3], np.nan)
    return np.array(rows).reshape(2, 3, *rows[0].shape)


def test_identity_arrays_are_the_blocks(grid, block):
    """Identity: every number by its axes; -2 marks the missing run, and its numbers are nan."""
    data = view(grid, KEYS, AXES, {"name": "mine"})
    assert data.loss.dims == ("gamma", "seed", "step")
    assert data.feature_change.dims == ("gamma", "seed", "step", "layer")
    for name in ("loss", "feature_change"):
        assert np.array_equal(data[name].values, eager(block, name), equal_nan=True)
    assert data.diverged_at.values.tolist() == [[-1, 3, -1], [-2, -1, -1]]
    assert data.attrs == {"missing": 1, "name": "mine"}
    assert data.step.values.tolist() == [0, 1, 2, 3]
    assert np.isnan(data.loss.sel(gamma=1.0, seed=0)).all()


@pytest.mark.parametrize(
    "index",
    [
        (0, 1),
        (1, slice(None), 2),
        (slice(None), slice(1, 3), slice(None, None, 2)),
        (slice(None, None, -1), [2, 0]),
        ([1, 0], [2, 0], [3, 1]),
        (slice(None), slice(None), -1),
        (0, slice(0, 0)),
        (..., 1),
    ],
)
@pytest.mark.parametrize("name", ["loss", "feature_change"])
def test_oracle_indexing_is_numpys(grid, block, index, name):
    """Oracle: the same index of the eager array; lists index the outer product, as in xarray."""
    data = view(grid, KEYS, AXES)
    expected = xr.Variable(data[name].dims, eager(block, name))[index]
    np.testing.assert_array_equal(data[name][index].values, expected.values)


def test_identity_only_what_is_asked_for_is_read(grid, block, opened):
    """Identity: opening reads no column, one run opens one file, all open each file once, then none."""
    data = view(grid, KEYS, AXES)
    assert opened == []
    data.loss.sel(gamma=0.5, seed=1).load()
    assert opened == [grid.places["a1"].file]
    opened.clear()
    everything = data.loss.values
    assert sorted(opened) == sorted({place.file for place in grid.places.values()})
    opened.clear()
    data.loss.sum().load()
    assert opened == []
    everything[:] = 0  # control: what was kept is what the files hold, whoever writes into a copy of it
    assert np.array_equal(view(grid, KEYS, AXES).loss, eager(block, "loss"), equal_nan=True)


def test_identity_shorter_blocks_are_filled_up_with_nan(store, block):
    """Identity: networks of 2 and 3 layers in one grid, and a block that lacks a variable."""
    short, long, lean = block("a", layers=2), block("b", layers=3), block("c")
    for entries in (lean.values, lean.dims):
        del entries["feature_change"]
    for new in (short, long, lean):
        store.add(new)
    data = view(store, np.array(["a", "b", "c"], dtype=object), {"depth": [2, 3, 4]})
    change = data.feature_change.values
    assert change.shape == (3, 4, 3)
    assert np.array_equal(change[0, :, :2], short.values["feature_change"][0])
    assert np.array_equal(change[1], long.values["feature_change"][0])
    assert np.isnan(change[0, :, 2]).all()
    assert np.isnan(change[2]).all()
    assert np.isfinite(data.loss).all()


def test_identity_a_named_sweep_is_the_view_of_its_grid(grid):
    """Identity, for a store that was opened anew."""
    grid.remember(Sweep("mine", {"fixed": {}, "axes": AXES}, tuple(KEYS.ravel())))
    found = open_sweep(Store(grid.folder), "mine")
    xr.testing.assert_identical(found.load(), view(grid, KEYS, AXES, {"name": "mine"}).load())


def test_identity_one_netcdf_holds_the_view(grid, tmp_path):
    """Identity: written from the lazy arrays and read back."""
    data = view(grid, KEYS, AXES)
    with xr.open_dataset(save(data, tmp_path / "all.nc"), engine="h5netcdf") as found:
        xr.testing.assert_equal(found.load(), data.load())


def test_identity_table_has_a_row_for_each_point(grid, block):
    """Identity: from the table back to the arrays; a column for each layer, `diverged_at` repeated."""
    table = frame(view(grid, KEYS, AXES))
    assert list(table.columns) == [
        *("gamma", "seed", "step"),
        *("diverged_at", "feature_change_0", "feature_change_1", "loss"),
    ]
    assert len(table) == 2 * 3 * 4
    back = table.set_index(["gamma", "seed", "step"]).to_xarray()
    np.testing.assert_array_equal(back.loss.values, eager(block, "loss"))
    np.testing.assert_array_equal(back.feature_change_1.values, eager(block, "feature_change")[..., 1])
    assert back.diverged_at.values[..., 0].tolist() == [[-1, 3, -1], [-2, -1, -1]]


def test_bad_views(grid, block):
    """Property: the whole sentence where nothing is there, and where runs have different points."""
    sentence = f"store {grid.folder} holds none of the 2 runs of this grid"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        view(grid, np.array(["x", "y"], dtype=object), {"seed": [0, 1]})
    grid.add(block("long", points=5))
    sentence = "view: all runs must have the same points; given several schedules"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        view(grid, np.array(["a0", "long"], dtype=object), {"seed": [0, 1]})
