"""What the tests of the store share: blocks of made-up numbers."""

from collections.abc import Callable

import numpy as np
import pytest

from scalewright.sim.store import Block, Store


@pytest.fixture
def block() -> Callable[..., Block]:
    """Return a function that makes a block of runs whose numbers are drawn from their keys."""

    def make(*keys: str, points: int = 4, layers: int = 2, diverged: int = -1) -> Block:
        seeds = [list(key.encode()) for key in keys]
        losses = np.stack([np.random.default_rng(seed).standard_normal(points) for seed in seeds])
        by_layer = losses[..., None] + np.arange(layers)
        return Block(
            keys,
            tuple({"lr": float(np.abs(row[0])), "model": "mlp"} for row in losses),
            "step",
            np.arange(points),
            {"loss": losses, "feature_change": by_layer},
            {"loss": (), "feature_change": ("layer",)},
            np.full(len(keys), diverged, dtype=np.int64),
            {"code": "0", "time": "now"},
        )

    return make


@pytest.fixture
def store(tmp_path) -> Store:
    """Return an empty store."""
    return Store(tmp_path / "runs")
