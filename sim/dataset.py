"""Build trajectories: xarray datasets whose variables and dimensions are declared in theory.observables."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from xarray.core.indexing import ExplicitlyIndexed

from scalewright.sim.files import write_bytes
from scalewright.theory.observables import DIMENSIONS, OBSERVABLES

Variable = tuple[tuple[str, ...], Any]


def dataset(
    variables: Mapping[str, Variable], coords: Mapping[str, Any], attrs: Mapping[str, Any] | None = None
) -> xr.Dataset:
    """Return a trajectory from arrays, refusing names that `theory.observables` does not declare.

    Args:
        variables: name -> (dimensions, array). A name may end in `_error`: the standard error, or the
            absolute residual bound, of the variable before it.
        coords: dimension -> its values.
        attrs: provenance (strings and numbers).

    Returns:
        An `xarray.Dataset`; each variable carries its symbol, definition and rescaling as attributes.

    Raises:
        ValueError: an undeclared variable or dimension, with the names that are declared.
    """
    for name, (dims, _) in variables.items():
        _check(name.removesuffix("_error"), OBSERVABLES, "variables", "observables")
        for dim in dims:
            _check(dim, DIMENSIONS, f"dimensions of {name!r}", "dimensions")
    for dim in coords:
        _check(dim, DIMENSIONS, "coords", "dimensions")
    data = xr.Dataset({name: (dims, _array(value)) for name, (dims, value) in variables.items()})
    data = data.assign_coords({dim: np.asarray(value) for dim, value in coords.items()})
    for key in data.data_vars:
        entry = OBSERVABLES[str(key).removesuffix("_error")]
        data[key].attrs = {
            "symbol": entry.symbol,
            "definition": entry.definition,
            "rescaling": entry.rescaling,
        }
    return data.assign_attrs(dict(attrs or {}))


def _array(value: Any) -> Any:
    """Return an array; one that is read on use stays as it is."""
    return value if isinstance(value, ExplicitlyIndexed) else np.asarray(value)


def netcdf(data: xr.Dataset) -> bytes:
    """Return a dataset as the bytes of a NetCDF-4 file.

    In memory first, as HDF5 that meets a full disk keeps the file half open and later ends the process. With
    a lock of this process: where a Dask client is open, `to_netcdf` asks its scheduler for one, by the name
    of a file that is none.
    """
    from xarray.backends.h5netcdf_ import H5NetCDFStore
    from xarray.backends.locks import HDF5_LOCK

    content = io.BytesIO()
    store = H5NetCDFStore.open(content, mode="w", lock=HDF5_LOCK)
    try:
        data.dump_to_store(store)
    finally:
        store.close()
    return content.getvalue()


def save(data: xr.Dataset, path: Path) -> Path:
    """Write a trajectory as NetCDF-4: no half file is left."""
    return write_bytes(Path(path), netcdf(data))


def _check(name: str, declared: Mapping[str, Any], where: str, kind: str) -> None:
    if name not in declared:
        raise ValueError(
            f"dataset: {where} must use the declared {kind} ({', '.join(declared)}); given {name!r}"
        )
