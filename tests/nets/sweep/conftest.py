"""What the tests of sweeps share: a small grid, and arrays as bytes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from scalewright.nets import sweep


@pytest.fixture
def small() -> Callable[..., sweep.Grid]:
    """Return a function that makes a grid of tiny networks; keys replace its own."""

    def make(name: str | None = "small", **keys: Any) -> sweep.Grid:
        own: dict[str, Any] = {
            "width": [8, 12],
            "lr": [0.01, 0.1, 1e4],
            "seed": [0, 1],
            "activation": "linear",
            "samples": 8,
            "steps": 6,
            "points": 3,
            "block": 4,
            "quantities": ["sharpness", "feature_change"],
        }
        return sweep.grid(name, **{**own, **keys})

    return make


@pytest.fixture
def as_bytes() -> Callable[[xr.Dataset], dict[str, bytes]]:
    """Return a function that gives every variable's bytes."""

    def convert(data: xr.Dataset) -> dict[str, bytes]:
        return {str(name): np.ascontiguousarray(data[name].values).tobytes() for name in data.data_vars}

    return convert
