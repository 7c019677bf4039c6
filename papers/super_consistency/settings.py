"""What the experiments train: sizes, widths, seeds and rates at each scale."""

import math
from dataclasses import dataclass, replace

import numpy as np

from scalewright.sim import data, linear
from scalewright.theory import Parametrization, Power, mlp, named

PARAMETRIZATIONS = ("mup", "ntp", "sp")
GAMMA = 1.0
#: Width from which slopes of the linear networks are fitted; below it finite-width corrections bend them.
ASYMPTOTIC = 256


@dataclass(frozen=True)
class Scale:
    """Sizes of one run of the whole chain.

    Attributes:
        samples: images of the digits that are used, the first so many.
        linear_widths: widths of the trained two-layer linear networks.
        draw_widths, draws: widths and number of initial draws of the exact dynamics.
        linear_steps, linear_seeds: gradient steps and networks a width.
        rotated: train the linear networks on D + K rotated samples instead of all images (see `rotate`).
        mlp_layers, mlp_widths, mlp_steps: the ReLU network.
        spectra_seeds: ReLU networks a width whose S, G, R and NTK are all measured.
        followed_seeds: ReLU networks at the widest whose S is followed; at narrower widths in inverse
            proportion more, since they fluctuate more and cost less.
        transfer_seeds: networks a learning rate at the widest; at narrower widths more, likewise.
        rates: number of learning rates of a transfer sweep, in steps of sqrt(2) around the middle.
        data: name of the data set.
        rate: eta_0 S_inf(0) of the linear networks; the edge of stability at initialisation is 2.
    """

    name: str
    samples: int
    linear_widths: tuple[int, ...]
    draw_widths: tuple[int, ...]
    draws: int
    linear_steps: int
    linear_seeds: int
    rotated: bool
    mlp_layers: int
    mlp_widths: tuple[int, ...]
    mlp_steps: int
    spectra_seeds: int
    followed_seeds: int
    transfer_seeds: int
    rates: int
    data: str = "digits"
    rate: float = 0.8


def _doublings(first: int, last: int) -> tuple[int, ...]:
    return tuple(first * 2**k for k in range(int(math.log2(last / first)) + 1))


SCALES = {
    "smoke": Scale(
        name="smoke",
        samples=256,
        linear_widths=_doublings(256, 4096),
        draw_widths=_doublings(64, 16384)[::2],
        draws=200,
        linear_steps=30,
        linear_seeds=3,
        rotated=False,
        mlp_layers=3,
        mlp_widths=_doublings(64, 512),
        mlp_steps=50,
        spectra_seeds=3,
        followed_seeds=8,
        transfer_seeds=6,
        rates=9,
    ),
    "standard": Scale(
        name="standard",
        samples=1797,
        linear_widths=_doublings(256, 16384),
        draw_widths=_doublings(64, 16384),
        draws=400,
        linear_steps=30,
        linear_seeds=5,
        rotated=True,
        mlp_layers=3,
        mlp_widths=_doublings(64, 1024),
        mlp_steps=50,
        spectra_seeds=2,
        followed_seeds=5,
        transfer_seeds=5,
        rates=9,
    ),
}


def scale_of(name: str) -> Scale:
    """Return the scale of that name; ValueError with the known names otherwise."""
    if name not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}; given {name!r}")
    return SCALES[name]


def with_choices(
    scale: Scale,
    *,
    data_set: str | None = None,
    widths: tuple[int, ...] | None = None,
    linear_widths: tuple[int, ...] | None = None,
    rate: float | None = None,
) -> Scale:
    """Return the scale with another data set, other widths or another rate; None leaves what it has.

    Raises:
        ValueError: an unknown data set, widths that are not at least two increasing positive integers (the
            linear ones with two of at least 256 among them), or a rate that is not positive.
    """
    if data_set is not None and data_set not in data.NAMES:
        raise ValueError(f"data must be one of {', '.join(data.NAMES)}; given {data_set!r}")
    for what, chosen in (("widths", widths), ("linear widths", linear_widths)):
        if chosen is not None and not (
            len(chosen) >= 2 and chosen[0] >= 1 and sorted(set(chosen)) == list(chosen)
        ):
            raise ValueError(
                f"{what} must be at least two increasing positive integers; given {list(chosen)}"
            )
    if linear_widths is not None and sum(width >= ASYMPTOTIC for width in linear_widths) < 2:
        raise ValueError(
            f"linear widths must hold two of at least {ASYMPTOTIC}, where slopes are fitted; given "
            f"{list(linear_widths)}"
        )
    if rate is not None and not 0 < rate < math.inf:
        raise ValueError(f"rate must be positive and finite; given {rate}")
    changes = {"data": data_set, "mlp_widths": widths, "linear_widths": linear_widths, "rate": rate}
    if linear_widths is not None:
        changes["draw_widths"] = tuple(sorted({*scale.draw_widths, *linear_widths}))
    return replace(scale, **{name: value for name, value in changes.items() if value is not None})  # type: ignore[arg-type]


def digits(scale: Scale) -> data.Data:
    """Return the images of a scale with centred one-hot targets."""
    return data.load(scale.data, samples=scale.samples)


def normalised_digits(scale: Scale) -> data.Data:
    """Return the images divided by the root mean square of all pixels: preactivations of order one."""
    images = digits(scale)
    return replace(images, inputs=images.inputs / np.sqrt((images.inputs**2).mean()))


def rotate(images: data.Data) -> data.Data:
    """Return D + K samples on which a linear network has the same loss as on all P, for the same weights.

    With [X, Y] = U T, U having orthonormal columns and T (D + K rows) triangular, the squared error
    |X W - Y|^2 is |T_X W - T_Y|^2 for every linear map W. The rows are scaled by sqrt((D + K) / P),
    so that the mean over samples is the same too: loss, Hessian, G and R agree to rounding; the NTK
    is (D + K) / P times that of all samples.
    """
    both = np.hstack([images.inputs, images.targets])
    triangle = np.linalg.qr(both, mode="r")
    triangle *= np.sqrt(len(triangle) / len(both))
    inputs, targets = np.split(triangle, [images.inputs.shape[1]], axis=1)
    return replace(images, inputs=inputs, targets=targets, labels=np.full(len(triangle), -1))


def linear_network(name: str) -> Parametrization:
    """Return a parametrization of the two-layer linear network under gradient descent."""
    return named(mlp(layers=2, activation="linear", loss="squared"), name, "sgd")


def fixed_rate(parametrization: Parametrization) -> Parametrization:
    """Return the same network with one global learning rate that does not change with the width."""
    return parametrization.with_lr(Power.one())


def base_rate(name: str, task: linear.Problem, scale: Scale) -> float:
    """Return eta_0 = rate / S_inf(0), S_inf(0) the sharpness at initialisation in the infinite-width limit.

    A Gaussian readout (NTP, SP) makes S_inf(0) depend on nothing but the kernels, which are deterministic
    there; seed 0 stands for any.
    """
    start = linear.trajectory(
        task,
        linear_network(name),
        width=math.inf,
        lr=1.0,
        steps=0,
        gamma=GAMMA,
        spectra_at=[0],
        quantities=("sharpness",),
    )
    return scale.rate / float(start.sharpness[0, 0])


def observed_steps(steps: int, count: int = 5) -> list[int]:
    """Return `count` steps from 0 to `steps`, evenly spaced."""
    return sorted({round(float(t)) for t in np.linspace(0, steps, count)})
