"""What the experiments train: gammas, rates, seeds and steps at each scale."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

#: Sizes of the networks and of their task, those of the note that the bands of agreement come from.
WIDTH, INPUTS, SAMPLES = 64, 8, 16
ACTIVATIONS: tuple[Literal["linear", "relu"], ...] = ("linear", "relu")
LAYERS = (2, 3, 4)


def decades(first: float, last: float, per_decade: int) -> tuple[float, ...]:
    """Return 10^(first) ... 10^(last) in equal steps of the logarithm."""
    count = round((last - first) * per_decade) + 1
    return tuple(float(f"{x:.12g}") for x in np.logspace(first, last, count))


@dataclass(frozen=True)
class Scale:
    """Sizes of one run.

    Attributes:
        sharpness_gammas, sharpness_seeds, sharpness_steps: networks trained to convergence, whose
            curvature is measured there; steps at most.
        toy_steps: steps of the toys whose edges are bisected.
        portrait_steps, toy_cells: steps of the toys' portraits, and gammas.
    """

    name: str
    sharpness_gammas: tuple[float, ...]
    sharpness_seeds: int
    sharpness_steps: int
    toy_steps: int = 2_000
    portrait_steps: int = 1_000
    toy_cells: int = 81


SMOKE = Scale(
    name="smoke",
    sharpness_gammas=decades(-3, 3, 1),
    sharpness_seeds=5,
    sharpness_steps=20_000,
)
STANDARD = replace(
    SMOKE,
    name="standard",
    sharpness_gammas=decades(-3, 4, 2),
    sharpness_seeds=8,
    toy_steps=10_000,
    toy_cells=161,
)
FULL = replace(STANDARD, name="full", sharpness_seeds=16)
SCALES = {scale.name: scale for scale in (SMOKE, STANDARD, FULL)}


def scale_of(name: str) -> Scale:
    """Return the scale of that name; ValueError with the known names otherwise."""
    if name not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}; given {name!r}")
    return SCALES[name]
