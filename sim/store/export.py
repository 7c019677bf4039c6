"""Take the runs of a sweep out of the store: a table with a row for each recorded point, or one file."""

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    import pandas as pd


def frame(data: xr.Dataset) -> "pd.DataFrame":
    """Return a trajectory as a table: a row for every run and recorded point, a column for every number.

    What a variable has beside them becomes columns of its own, as "feature_change_0" for the first layer.
    Cost: all of the trajectory in memory.
    """
    point = "time" if "time" in data.dims else "step"
    outer = [*data["diverged_at"].dims, point]
    columns: dict[str, Any] = {}
    shape = [data.sizes[dim] for dim in outer]
    for name in sorted(map(str, data.data_vars)):
        variable = data[name]
        inner = [dim for dim in variable.dims if dim not in outer]
        if point not in variable.dims:
            variable = variable.expand_dims({point: data.sizes[point]})
        values = variable.transpose(*outer, *inner).values.reshape(int(np.prod(shape)), -1)
        if not inner:
            columns[name] = values[:, 0]
            continue
        sizes = [range(data.sizes[dim]) for dim in inner]
        for place, index in enumerate(np.ndindex(*map(len, sizes))):
            columns["_".join([name, *map(str, index)])] = values[:, place]
    import pandas as pd

    index = pd.MultiIndex.from_product([data[dim].values for dim in outer], names=outer)
    return pd.DataFrame(columns, index=index).reset_index()
