"""What the experiments train: widths, seeds, steps and grids of rates at each scale."""

from dataclasses import dataclass, replace

import numpy as np

from scalewright.papers.large_learning_rates import task


@dataclass(frozen=True)
class Scale:
    """Sizes of one run.

    Attributes:
        data: "generated", or "fashion-mnist" where that is installed.
        samples: how many train, and how many are held out.
        layers: weight layers of the deep perceptrons.
        check_widths, check_seeds, check_steps: of the coordinate checks.
        edge_widths, edge_seeds, edge_steps: of the grids of rates; edge_rates rates in steps of sqrt(2).
        batches: sizes of the batches that are compared.
    """

    name: str
    data: str
    samples: int
    layers: int
    check_widths: tuple[int, ...]
    check_seeds: int
    check_steps: int
    edge_widths: tuple[int, ...]
    edge_seeds: int
    edge_steps: int
    edge_rates: int
    batches: tuple[int, ...]


SMOKE = Scale(
    name="smoke",
    data="generated",
    samples=1024,
    layers=4,
    check_widths=(128, 256, 512, 1024),
    check_seeds=3,
    check_steps=4,
    edge_widths=(64, 128, 256, 512),
    edge_seeds=2,
    edge_steps=100,
    edge_rates=9,
    batches=(8, 64, 1024),
)
STANDARD = replace(SMOKE, name="standard", data="auto", samples=2048)
FULL = replace(STANDARD, name="full")
SCALES = {scale.name: scale for scale in (SMOKE, STANDARD, FULL)}


def scale_of(name: str) -> Scale:
    """Return the scale of that name, its data resolved: Fashion-MNIST where it is installed.

    Raises:
        ValueError: an unknown name, with the known ones.
    """
    if name not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}; given {name!r}")
    scale = SCALES[name]
    return replace(scale, data=task.available() if scale.data == "auto" else scale.data)


def root_two_grid(middle: float, count: int) -> np.ndarray:
    """Return `count` rates in steps of sqrt(2) around the middle."""
    return middle * np.sqrt(2.0) ** (np.arange(count) - (count - 1) / 2)
