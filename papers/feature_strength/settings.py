"""What the experiments train: gammas, rates, seeds and steps at each scale."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

#: Sizes of the networks and of their task, those of the note that the bands of agreement come from.
WIDTH, INPUTS, SAMPLES = 64, 8, 16
#: Kinds of networks whose curvature is measured at convergence, with their numbers of weight layers.
CONVERGED = {
    "linear": (2, 3, 4, 5),
    "relu": (2, 3, 4),
    "gelu": (2, 3),
    "residual": (3, 4),
    "convnet": (3,),
}
#: Kinds whose largest stable rate is measured.
EDGED = {"linear": (2, 3, 4), "relu": (2, 3), "gelu": (3,), "residual": (3,), "convnet": (3,)}
#: Numbers of layers of the ReLU networks trained online.
ONLINE = (2, 3)
#: Batch sizes at which the edge is measured online.
BATCHES = (4, 64)


def decades(first: float, last: float, per_decade: int) -> tuple[float, ...]:
    """Return 10^first ... 10^last in equal steps of the logarithm."""
    count = round((last - first) * per_decade) + 1
    return tuple(float(f"{x:.12g}") for x in np.logspace(first, last, count))


@dataclass(frozen=True)
class Scale:
    """Sizes of one run.

    Attributes:
        sharpness_gammas, sharpness_seeds: networks trained to convergence, whose curvature is measured there.
        convnet_gammas, convnet_seeds, convnet_edge_gammas: of the convolutional network, which costs more;
            its largest rate is left out where there are none.
        edge_gammas, edge_seeds, edge_steps: networks whose largest stable rate is measured, sixteen rates a
            decade; seeds by kind, as some scatter more than others.
        online_gammas, online_seeds, online_steps, online_rates, online_source: networks trained once through
            a stream of images, whose best rate is measured; rates a decade; the data set of the images.
        batch_seeds, batch_steps, batch_rates: networks whose edge is measured online by batch size; rates a
            decade.
        collapse_gammas, collapse_seeds: networks in rescaled time; linear_collapse_seeds: linear ones, of
            which single ones are ten times the others.
        staircase_seeds: linear networks on a task of two modes; staircase_steps, index_seeds: of the
            multi-index stream.
        adam_seeds: networks trained by Adam.
        bounded_gammas, power_points, activation_seeds: networks with tanh by layers, and with powers of a
            ReLU, at as many strengths.
        portrait_gammas, portrait_rates, portrait_steps: of the portraits of the plane; rates a decade.
        toy_steps: steps of the toys whose edges are bisected; toy_apexes: step numbers of the apex, in powers
            of sqrt(2).
        toy_portrait_steps, toy_cells: steps of the toys' portraits, and gammas.
    """

    name: str
    sharpness_gammas: tuple[float, ...]
    sharpness_seeds: int
    convnet_gammas: tuple[float, ...]
    convnet_seeds: int
    convnet_edge_gammas: tuple[float, ...]
    edge_gammas: tuple[float, ...]
    edge_seeds: Mapping[str, int]
    edge_steps: int
    online_gammas: tuple[float, ...]
    online_seeds: int
    online_steps: int
    online_rates: int
    batch_seeds: int
    batch_steps: int
    batch_rates: int
    collapse_gammas: tuple[float, ...]
    collapse_seeds: int
    linear_collapse_seeds: int
    staircase_seeds: int
    staircase_steps: int
    index_seeds: int
    adam_seeds: int
    bounded_gammas: Mapping[int, tuple[float, ...]]
    power_points: int
    activation_seeds: int
    portrait_gammas: tuple[float, ...]
    portrait_rates: int
    portrait_steps: int
    online_source: str = "digits"
    toy_steps: int = 2_000
    toy_apexes: int = 13
    toy_portrait_steps: int = 1_000
    toy_cells: int = 81


SMOKE = Scale(
    name="smoke",
    sharpness_gammas=(1e-3, 1e-2, 1e2, 1e3),
    sharpness_seeds=5,
    convnet_gammas=(1e-3, 1e-2, 1e2, 1e3),
    convnet_seeds=4,
    convnet_edge_gammas=(),
    edge_gammas=(1e-3, 1e-2, *decades(1, 3, 1)),
    edge_seeds=dict.fromkeys(EDGED, 4),
    edge_steps=1000,
    online_gammas=(*decades(-4, -1, 1), *decades(1, 3, 1)),
    online_seeds=4,
    online_steps=250,
    online_rates=6,
    batch_seeds=4,
    batch_steps=150,
    batch_rates=8,
    collapse_gammas=decades(2, 4, 1),
    collapse_seeds=6,
    linear_collapse_seeds=24,
    staircase_seeds=4,
    staircase_steps=800,
    index_seeds=3,
    adam_seeds=3,
    bounded_gammas={2: decades(1, 2.5, 2), 3: decades(1, 2, 2)},
    power_points=2,
    activation_seeds=4,
    portrait_gammas=decades(-3, 4, 1),
    portrait_rates=2,
    portrait_steps=300,
)
STANDARD = replace(
    SMOKE,
    name="standard",
    sharpness_gammas=decades(-3, 4, 2),
    sharpness_seeds=8,
    convnet_gammas=decades(-3, 3, 1),
    convnet_seeds=8,
    convnet_edge_gammas=(1e-3, 1e-2, *decades(1, 3, 1)),
    edge_gammas=(*decades(-3, -2, 2), *decades(1, 3, 2)),
    edge_seeds={"linear": 8, "relu": 16, "gelu": 16, "residual": 32, "convnet": 14},
    edge_steps=1500,
    online_gammas=(*decades(-4, 0, 1), *decades(1, 3, 2)),
    online_seeds=12,
    online_steps=400,
    online_rates=8,
    batch_seeds=8,
    batch_steps=300,
    batch_rates=12,
    collapse_gammas=decades(2, 4, 2),
    collapse_seeds=10,
    linear_collapse_seeds=96,
    staircase_seeds=10,
    staircase_steps=1500,
    index_seeds=12,
    adam_seeds=5,
    bounded_gammas={2: decades(1, 3, 2), 3: decades(1, 2.25, 4)},
    power_points=3,
    activation_seeds=8,
    portrait_gammas=decades(-3, 4, 2),
    portrait_rates=4,
    portrait_steps=1000,
    toy_steps=10_000,
    toy_apexes=15,
    toy_cells=161,
)
FULL = replace(
    STANDARD,
    name="full",
    sharpness_seeds=16,
    edge_seeds=dict.fromkeys(EDGED, 32),
    online_seeds=10,
    online_steps=4000,
    online_source="fashion-mnist",
    portrait_gammas=decades(-5, 5, 2),
    portrait_steps=10_000,
)
SCALES = {scale.name: scale for scale in (SMOKE, STANDARD, FULL)}


def scale_of(name: str) -> Scale:
    """Return the scale of that name, its images at hand.

    Raises:
        ValueError: an unknown name, with the known ones, or images that are not installed.
    """
    if name not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}; given {name!r}")
    from scalewright.sim import data

    data.load(SCALES[name].online_source, samples=1)
    return SCALES[name]
