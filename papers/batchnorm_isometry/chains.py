"""Chains at initialisation: the isometry gap by depth, gradients by layer, and Lyapunov exponents."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from scalewright.papers.batchnorm_isometry import settings
from scalewright.papers.batchnorm_isometry.settings import Scale
from scalewright.sim.isometry import Network, chain, exponents, jacobian
from scalewright.sim.isometry.weights import Weights

Progress = Callable[[int, int], None] | None

#: Spectra of X X^T, of trace d, of which one step is averaged; d = 32.
SPECTRA = {
    "near": np.where(np.arange(32) % 2, 0.99, 1.01),
    "two-groups": np.where(np.arange(32) % 2, 0.2, 1.8),
    "duplicate": np.array([1e-6, *[(32 - 1e-6) / 31] * 31]),
}
#: Inputs from which the decay bounds are followed.
INPUTS = ("gaussian", "near-identity", "duplicate", "rank-one")
#: Width of the bound on the whole Jacobian, and its layers.
NARROW, NARROW_DEPTH = 6, 100
#: Width of the gradient's plateau; its input is the identity.
PLATEAU = 24
#: Samples n of the chains with fewer samples than features, as shares of the width.
SHARES = (3 / 16, 1 / 4, 1 / 2, 3 / 4, 7 / 8)
#: Widths at which standard batch normalization is followed, with n = d and n = d + 1 samples.
CENTRED = (8, 12, 16)
#: Gains at which the growth rate is measured, and widths that show its finite-width part.
GAINS = (0.5, 0.7, 1.0, 1.5)
GAIN_WIDTHS = (32, 64, 128)
#: Powers of the gains alpha_l = l^-p, around the derived 1/4.
POWERS = (0.0, 0.15, 0.25, 0.4)
SCHEDULE_WIDTH = 32


def identity(scale: Scale, weights: Weights, *, progress: Progress = None) -> xr.Dataset:
    """Follow gap and row norms of square chains, d = 16: (seed, layer)."""
    network = Network(16, 16, weights)
    return chain(network, depth=60, seeds=range(8), gradients=False, progress=progress)


def one_step(scale: Scale, name: str, *, progress: Progress = None) -> xr.Dataset:
    """Draw the weights of one layer many times on one spectrum, d = 32: (seed, layer)."""
    network, spectrum = Network(32, 32), SPECTRA[name]
    drawn = chain(network, depth=1, start=spectrum, seeds=range(scale.draws), observe_at=[], gradients=False)
    if progress:
        progress(1, 1)
    return drawn.assign_attrs(spectrum=spectrum, name=name)


def decay(scale: Scale, width: int, *, progress: Progress = None) -> xr.Dataset:
    """Follow the isometry gap from the inputs of figure 1: (seed, layer), 2 d layers."""
    seeds = range(scale.decay_seeds)
    start = np.stack([settings.near_identity(width, seed) for seed in seeds])
    return chain(
        Network(width, width), depth=2 * width, start=start, seeds=seeds, gradients=False, progress=progress
    )


def bound(scale: Scale, name: str, *, progress: Progress = None) -> xr.Dataset:
    """Follow the isometry gap from one kind of input at several widths: (width, seed, layer)."""
    depth, seeds, rows = 20 * scale.theorem_widths[-1], range(scale.theorem_seeds), []
    for done, width in enumerate(scale.theorem_widths):
        start = start_of(name, width, seeds)
        path = chain(Network(width, width), depth=depth, start=start, seeds=seeds, gradients=False)
        rows.append(path[["isometry_gap"]])
        if progress:
            progress(done + 1, len(scale.theorem_widths))
    return _joined(rows, width=scale.theorem_widths).assign_attrs(input=name)


def start_of(name: str, width: int, seeds: Sequence[int]) -> Any:
    """Return one of `INPUTS`: what `chain` takes as its start."""
    match name:
        case "near-identity":
            return np.stack([settings.near_identity(width, seed) for seed in seeds])
        case "duplicate":
            return np.array([1e-6, *[(width - 1e-6) / (width - 1)] * (width - 1)])
        case "rank-one":
            return np.array([float(width), *[1e-4] * (width - 1)])
    return "gaussian"


def gradients(scale: Scale, weights: Weights, *, progress: Progress = None) -> xr.Dataset:
    """Follow gradients and gap by layer at d = n: (seed, layer)."""
    network = Network(scale.width, scale.width, weights)
    every = max(1, scale.depth // 100)
    return chain(
        network,
        depth=scale.depth,
        seeds=range(scale.seeds),
        observe_at=range(0, scale.depth + 1, every),
        progress=progress,
    )


def plateau(scale: Scale, *, progress: Progress = None) -> xr.Dataset:
    """Pull an isotropic gradient back from an orthogonal representation, d = 24: (seed, layer)."""
    network = Network(PLATEAU, PLATEAU, rows="norm")
    return chain(
        network,
        depth=4 * PLATEAU,
        start=np.eye(PLATEAU),
        seeds=range(40 * scale.seeds),
        observe_at=[],
        progress=progress,
    )


def narrow(scale: Scale, *, progress: Progress = None) -> xr.Dataset:
    """Form the whole Jacobian of a narrow chain beside its gap and least rows: (seed, layer)."""
    network, seeds = Network(NARROW, NARROW, rows="norm"), range(2 * scale.seeds)
    start = np.stack([_of_trace(NARROW, seed) for seed in seeds])
    path = chain(network, depth=NARROW_DEPTH, start=start, seeds=seeds, gradients=False)
    grown = jacobian(network, depth=NARROW_DEPTH, start=start, seeds=seeds)
    if progress:
        progress(1, 1)
    return path.assign(log_jacobian=grown.log_jacobian)


def _of_trace(width: int, seed: int) -> np.ndarray:
    """Return a Gaussian input with tr X X^T = d, the trace of every later layer: scale is then no growth."""
    drawn = np.random.default_rng(seed).standard_normal((width, width))
    return np.asarray(drawn * np.sqrt(width) / np.linalg.norm(drawn))


def samples(scale: Scale, *, progress: Progress = None) -> xr.Dataset:
    """Measure the top exponent with fewer samples than features: (batch, seed)."""
    width = scale.few_width
    batches = [round(share * width) for share in SHARES]
    return _exponents(
        scale, {n: Network(width, n) for n in batches}, "batch", progress, transient=20 * width
    ).assign_attrs(width=width)


def stationary(scale: Scale, *, progress: Progress = None) -> xr.Dataset:
    """Measure the variance of the spectrum after many layers, n < d: (batch, seed)."""
    width, rows = scale.few_width, []
    batches = [width // 4, width // 2, 3 * width // 4]
    for done, n in enumerate(batches):
        depth = 20 * width
        path = chain(
            Network(width, n),
            depth=depth,
            seeds=range(scale.exponent_seeds),
            observe_at=range(10 * width, depth + 1, 10),
            gradients=False,
        )
        rows.append(path[["spectral_variance"]].mean("layer"))
        if progress:
            progress(done + 1, len(batches))
    return _joined(rows, batch=batches).assign_attrs(width=width)


def more_samples(scale: Scale, *, progress: Progress = None) -> xr.Dataset:
    """Measure the top exponent with half as many samples again as features: (width, seed)."""
    return _exponents(scale, {d: Network(d, d + d // 2) for d in (8, 16)}, "width", progress)


def centred(scale: Scale, more: int, *, progress: Progress = None) -> xr.Dataset:
    """Measure the top exponent of standard batch normalization with d + more samples: (width, seed)."""
    networks = {d: Network(d, d + more, centred=True) for d in CENTRED}
    depth, seeds = 4 * scale.exponent_depth, 2 * scale.exponent_seeds
    return _exponents(scale, networks, "width", progress, depth=depth, seeds=seeds)


def wide(scale: Scale, *, progress: Progress = None) -> xr.Dataset:
    """Measure the top exponent of wide Gaussian networks with few samples: (batch, seed)."""
    networks = {n: Network(scale.wide, n, "gaussian") for n in (scale.wide // 64, scale.wide // 32)}
    return _exponents(scale, networks, "batch", progress, depth=1000, transient=100).assign_attrs(
        width=scale.wide
    )


def degenerate(scale: Scale, rank: int, *, progress: Progress = None) -> xr.Dataset:
    """Follow gradients of square chains on batches with repeated samples: (seed, layer)."""
    seeds, width = range(scale.seeds), scale.width
    start = np.stack([settings.repeated(width, rank, seed) for seed in seeds])
    return chain(
        Network(width, width), depth=scale.depth, start=start, seeds=seeds, observe_at=[0], progress=progress
    )


def gain(scale: Scale, activation: str, *, progress: Progress = None) -> xr.Dataset:
    """Follow gradients at constant gains, d = n: (gain, seed, layer)."""
    rows = []
    for done, alpha in enumerate(GAINS):
        rows.append(_at_gain(scale, activation, alpha, scale.width))
        if progress:
            progress(done + 1, len(GAINS))
    return _joined(rows, gain=GAINS).assign_attrs(activation=activation)


def gain_widths(scale: Scale, activation: str, *, progress: Progress = None) -> xr.Dataset:
    """Follow gradients at gain 1/2 at several widths, d = n: (width, seed, layer)."""
    rows = []
    for done, width in enumerate(GAIN_WIDTHS):
        rows.append(_at_gain(scale, activation, GAINS[0], width))
        if progress:
            progress(done + 1, len(GAIN_WIDTHS))
    return _joined(rows, width=GAIN_WIDTHS).assign_attrs(activation=activation, alpha=GAINS[0])


def _at_gain(scale: Scale, activation: str, alpha: float, width: int) -> xr.Dataset:
    network = Network(width, width, activation=activation, gain=alpha)
    path = chain(network, depth=scale.gain_depth, seeds=range(scale.gain_seeds), observe_at=[])
    return path[["log_input_gradient"]]


def schedule(scale: Scale, activation: str, power: float, *, progress: Progress = None) -> xr.Dataset:
    """Pull a gradient back to the first layer through gains l^-p, at several depths: (depth, seed).

    `log_input_gradient` is that of |dL/dX_1| |X_1|, over the same at the last layer: without the sizes,
    representations that shrink as l^-p would hide as much of the growth.
    """
    rows = []
    for done, depth in enumerate(scale.schedule_depths):
        network = Network(
            SCHEDULE_WIDTH,
            SCHEDULE_WIDTH,
            activation=activation,
            gain=tuple(settings.gains(depth, power)),
        )
        path = chain(network, depth=depth, seeds=range(2 * scale.gain_seeds), observe_at=[])
        shrunk = path.log_size.isel(layer=1) - path.log_size.isel(layer=-1)
        pulled = path.log_input_gradient.isel(layer=1) + shrunk.values
        rows.append(pulled.drop_vars("layer").to_dataset(name="log_input_gradient"))
        if progress:
            progress(done + 1, len(scale.schedule_depths))
    return _joined(rows, depth=scale.schedule_depths).assign_attrs(activation=activation, power=power)


def _exponents(
    scale: Scale,
    networks: dict[int, Network],
    dim: str,
    progress: Progress,
    *,
    depth: int | None = None,
    transient: int | None = None,
    seeds: int | None = None,
) -> xr.Dataset:
    rows = []
    for done, network in enumerate(networks.values()):
        found = exponents(
            network,
            depth=(depth or scale.exponent_depth) + (transient or 0),
            seeds=range(seeds or scale.exponent_seeds),
            transient=transient,
        )
        rows.append(found.isel(eigenvalue=0, drop=True))
        if progress:
            progress(done + 1, len(networks))
    return _joined(rows, **{dim: list(networks)})


def _joined(rows: Sequence[xr.Dataset], **coords: Any) -> xr.Dataset:
    ((dim, values),) = coords.items()
    whole = xr.concat(rows, dim=dim, combine_attrs="drop_conflicts")
    return whole.assign_coords({dim: list(values)})
