"""What an experiment of a paper is: a name, and what runs under it."""

from collections.abc import Callable
from dataclasses import dataclass

import xarray as xr


@dataclass(frozen=True)
class Stage:
    """A named experiment: `run(progress=...)` returns its trajectory."""

    name: str
    run: Callable[..., xr.Dataset]
