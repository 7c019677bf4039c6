"""Draw `docs/images/sweep.png`: how networks of four widths end against the learning rate."""

import tempfile
from pathlib import Path

import numpy as np

from scalewright.nets import sweep
from scalewright.sim.store.figure import plot_end

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "sweep.png"


def main() -> None:
    """Train the grid in a temporary store and draw it."""
    grid = sweep.grid(
        width=[16, 32, 64, 128],
        lr=np.geomspace(0.01, 100, 17),
        seed=range(4),
        activation="tanh",
        steps=100,
        samples=64,
        points=5,
    )
    with tempfile.TemporaryDirectory() as store:
        plot_end(sweep.run(grid, store=store)).figure.savefig(PICTURE, dpi=130)


if __name__ == "__main__":
    main()
