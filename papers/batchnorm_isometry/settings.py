"""What the experiments draw and train: sizes, depths, seeds and rates at each scale."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scalewright.sim import data

#: Of the inputs of the paper's figure 1: X_0 = (1 - f) I + f u v^T.
NEARNESS = 0.005
#: The gains of the authors' code: alpha_l = l^-0.4.
SHAPING = 0.4


@dataclass(frozen=True)
class Scale:
    """Sizes of one run.

    Attributes:
        decay_widths: widths at which the rate of the isometry gap is measured; decay_seeds networks each.
        theorem_widths, theorem_seeds: of the decay bounds.
        draws: weights of one step whose average is held against the integral.
        width: d = n of gradients and activations.
        depth, seeds: of the gradients by layer.
        figure_depths: depths of figure 3; figure_seeds networks each.
        exponent_depth, exponent_seeds: layers and networks of Lyapunov exponents.
        few_width: width of the chains with fewer samples than features.
        wide: width of the mean-field check.
        gain_depth, gain_seeds: of the slopes at one gain.
        schedule_depths: of the shaped networks at initialisation.
        data, samples: images to train on, and how many; held-out ones come after.
        training_depths, epochs, linear_epochs, training_seeds: depths whose epochs to an accuracy are
            compared, passes over the images (linear networks need fewer), networks a depth.
        deep, deep_epochs: the deepest networks.
        gaussian_depths, control_epochs: of the networks that must fail.
        evaluation_depth, evaluation_epochs: of the networks evaluated with both kinds of statistics.
        batch, training_width: n and d of the trained networks.
    """

    name: str
    decay_widths: tuple[int, ...]
    decay_seeds: int
    theorem_widths: tuple[int, ...]
    theorem_seeds: int
    draws: int
    width: int
    depth: int
    seeds: int
    figure_depths: tuple[int, ...]
    figure_seeds: int
    exponent_depth: int
    exponent_seeds: int
    few_width: int
    wide: int
    gain_depth: int
    gain_seeds: int
    schedule_depths: tuple[int, ...]
    samples: int
    training_depths: tuple[int, ...]
    epochs: int
    linear_epochs: int
    training_seeds: int
    deep: int
    deep_epochs: int
    gaussian_depths: tuple[int, int]
    control_epochs: int
    evaluation_depth: int
    evaluation_epochs: int
    data: str = "digits"
    batch: int = 64
    training_width: int = 64


SMOKE = Scale(
    name="smoke",
    decay_widths=(16, 32, 64),
    decay_seeds=150,
    theorem_widths=(8, 16),
    theorem_seeds=20,
    draws=2000,
    width=64,
    depth=1000,
    seeds=4,
    figure_depths=(5, 20, 100, 500),
    figure_seeds=6,
    exponent_depth=2000,
    exponent_seeds=6,
    few_width=32,
    wide=256,
    gain_depth=600,
    gain_seeds=4,
    schedule_depths=(50, 200, 800),
    samples=1500,
    training_depths=(20, 80),
    epochs=10,
    linear_epochs=10,
    training_seeds=1,
    deep=200,
    deep_epochs=7,
    gaussian_depths=(50, 500),
    control_epochs=10,
    evaluation_depth=500,
    evaluation_epochs=3,
)
STANDARD = replace(
    SMOKE,
    name="standard",
    decay_seeds=400,
    theorem_widths=(8, 16, 32),
    theorem_seeds=40,
    draws=10000,
    seeds=10,
    figure_depths=(5, 10, 20, 50, 100, 200, 500, 1000),
    figure_seeds=8,
    exponent_depth=4000,
    few_width=64,
    exponent_seeds=8,
    gain_depth=1000,
    gain_seeds=10,
    training_depths=(50, 200, 500),
    epochs=30,
    linear_epochs=15,
    training_seeds=3,
    deep=1000,
    deep_epochs=30,
    evaluation_depth=1000,
    evaluation_epochs=5,
)
FULL = replace(
    STANDARD,
    name="full",
    data="fashion-mnist",
    samples=60000,
    decay_widths=(16, 32, 64, 128),
    training_depths=(50, 200, 500, 1000),
    deep_epochs=100,
    epochs=60,
    linear_epochs=30,
    batch=100,
    training_width=100,
)
SCALES = {scale.name: scale for scale in (SMOKE, STANDARD, FULL)}


def scale_of(name: str) -> Scale:
    """Return the scale of that name, its images at hand.

    Raises:
        ValueError: an unknown name, with the known ones, or images that are not installed.
    """
    if name not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}; given {name!r}")
    data.load(SCALES[name].data, samples=1)
    return SCALES[name]


def gains(depth: int, power: float) -> np.ndarray:
    """Return alpha_l = l^-power, l = 1 ... depth."""
    return np.arange(1, depth + 1, dtype=float) ** -power


def near_identity(width: int, seed: int) -> np.ndarray:
    """Return the inputs of figure 1: (1 - f) I + f u v^T, u and v uniform on [0, 1]^d."""
    u, v = np.random.default_rng(seed).uniform(size=(2, width))
    return (1 - NEARNESS) * np.eye(width) + NEARNESS * np.outer(u, v)


def repeated(width: int, rank: int, seed: int) -> np.ndarray:
    """Return a Gaussian batch of `width` samples of which only `rank` are different: (width, width)."""
    drawn = np.random.default_rng(seed).standard_normal((width, rank))
    return drawn[:, np.arange(width) % rank]


def images(scale: Scale) -> tuple[data.Data, data.Data]:
    """Return training and held-out images, in an order drawn once: the digits come sorted by writer."""
    if scale.data != "digits":
        seen = data.load(scale.data, samples=scale.samples, targets="one-hot")
        return seen, data.load(f"{scale.data}-test", targets="one-hot")
    everything = data.load(scale.data, targets="one-hot")
    order = np.random.default_rng(0).permutation(everything.samples)
    return _part(everything, order[: scale.samples]), _part(everything, order[scale.samples :])


def _part(whole: data.Data, index: Any) -> data.Data:
    return data.Data(whole.name, whole.inputs[index], whole.targets[index], whole.labels[index])
