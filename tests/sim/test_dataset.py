"""Trajectories: declared names, arrays that are read on use, files that are whole."""

import re

import numpy as np
import pytest
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from scalewright.sim.dataset import dataset, save
from scalewright.theory.observables import OBSERVABLES

COORDS = {"seed": [0, 1], "step": [0, 5, 9]}


class Counted(BackendArray):
    """Ones that count how often they are read."""

    def __init__(self) -> None:
        self.shape, self.dtype, self.reads = (2, 3), np.dtype(float), 0

    def __getitem__(self, key):
        self.reads += 1
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, np.ones(self.shape).__getitem__
        )


def test_identity_variables_carry_what_they_are():
    """Identity: symbol and definition of the observable, of an error that of what it is the error of."""
    data = dataset(
        {"sharpness": (("seed", "step"), np.ones((2, 3))), "sharpness_error": (("seed",), [0.1, 0.2])},
        COORDS,
        {"data": "digits"},
    )
    for name in ("sharpness", "sharpness_error"):
        assert data[name].attrs["symbol"] == OBSERVABLES["sharpness"].symbol
        assert data[name].attrs["rescaling"] == OBSERVABLES["sharpness"].rescaling
    assert data.attrs == {"data": "digits"}
    assert data.sel(step=5).sharpness.values.tolist() == [1, 1]


def test_identity_lazy_arrays_are_read_on_use():
    """Identity: making, selecting and printing read nothing; a value is read when it is asked for."""
    source = Counted()
    data = dataset({"loss": (("seed", "step"), indexing.LazilyIndexedArray(source))}, COORDS)
    part = data.loss.sel(seed=1)
    repr(data)
    assert source.reads == 0
    assert part.values.tolist() == [1, 1, 1]
    assert source.reads == 1


def test_identity_file_is_the_trajectory(tmp_path):
    """Identity, lazy arrays included; nothing else is left in the folder."""
    data = dataset({"loss": (("seed", "step"), indexing.LazilyIndexedArray(Counted()))}, COORDS, {"a": 1})
    path = save(data, tmp_path / "all.nc")
    with xr.open_dataset(path, engine="h5netcdf") as found:
        xr.testing.assert_equal(found.load(), data.load())
    assert [p.name for p in tmp_path.iterdir()] == ["all.nc"]


@pytest.mark.parametrize(
    ("variables", "coords", "beginning", "given"),
    [
        ({"height": ((), 1.0)}, {}, "variables must use the declared observables", "height"),
        ({"loss": (("row",), [1.0])}, {}, "dimensions of 'loss' must use the declared dimensions", "row"),
        ({}, {"row": [1]}, "coords must use the declared dimensions", "row"),
    ],
)
def test_undeclared_names(variables, coords, beginning, given):
    """Property: one sentence with the declared names and the one that was given."""
    with pytest.raises(ValueError, match=rf"^dataset: {re.escape(beginning)} \(.+, .+\); given '{given}'$"):
        dataset(variables, coords)
