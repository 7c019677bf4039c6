"""Lyapunov exponents of a chain of batch-normalised layers: how fast changes grow with depth."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from scalewright.sim.dataset import dataset
from scalewright.sim.isometry.network import Network
from scalewright.sim.isometry.start import starts
from scalewright.sim.isometry.weights import gaussian, generators

#: Blocks of consecutive layers whose means give the standard error of one seed.
BLOCKS = 20


def exponents(
    network: Network,
    *,
    depth: int,
    start: Any = "gaussian",
    seeds: Sequence[int] = (0,),
    count: int = 1,
    transient: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    r"""Return the largest Lyapunov exponents, $\lim \frac1L \log |\partial X_L / \partial X_0\, v|$, a layer.

    `count` random directions are pushed through the layers and orthonormalised at every layer (QR); an
    exponent
    is the mean logarithm of their stretching over the layers after a transient. The gradient of a loss grows
    at the same rates backwards as changes do forwards. Layers are not kept: any depth.

    Args:
        network, start, seeds: as in `chain`.
        depth: layers in all.
        count: how many exponents.
        transient: layers before the mean is taken; None: a quarter of the depth, at most 10 d.
        progress: called with (layers done, depth).

    Returns:
        A dataset with dimensions (seed, eigenvalue): `lyapunov` in nats a layer, the largest first, and
        `lyapunov_error`, the standard error of each from the means of 20 blocks of layers. Blocks are
        independent if they are longer than the memory of the chain, of the order of d layers; otherwise, and
        always for several seeds, take `sim.fit.interval` over the seeds. The attribute `status` says which.

    Raises:
        ValueError: a depth of less than 20 layers after the transient, a count below 1 or above d n, or what
            `chain` refuses.

    Cost: a layer and, for count > 1, a QR decomposition of (d n, count) a layer and seed.

    Example:
        >>> found = exponents(Network(8, 3), depth=500)
        >>> bool(found.lyapunov[0, 0] > 0.05)
        True

    Reference: Benettin, Galgani, Giorgilli, Strelcyn, Meccanica 15, 9 (1980).
    """
    skipped = min(depth // 4, 10 * network.width) if transient is None else transient
    _check(network, depth, skipped, count)
    representations, streams = starts(network, start, seeds), generators(seeds)
    shape = (len(seeds), count, network.width, network.samples)
    tangents = np.stack([gaussian(streams, *shape[2:]) for _ in range(count)], axis=1)
    stretched = np.zeros((len(seeds), depth - skipped, count))
    for index, gain in enumerate(network.gains(depth)):
        layer = network.layer(streams, representations, float(gain))
        representations = layer.outputs
        tangents, logs = _orthonormal(layer.push(tangents))
        if index >= skipped:
            stretched[:, index - skipped] = logs
        if progress:
            progress(index + 1, depth)
    return _estimates(network, stretched, seeds, depth, skipped)


def _orthonormal(tangents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return orthonormal tangents that span the same spaces, and the logarithms of their stretching."""
    seeds, count = tangents.shape[:2]
    columns = tangents.reshape(seeds, count, -1).swapaxes(-1, -2)
    if count == 1:
        sizes = np.linalg.norm(columns, axis=-2)
        basis = columns / sizes[:, None]
    else:
        basis, triangle = np.linalg.qr(columns)
        sizes = np.abs(np.diagonal(triangle, axis1=-2, axis2=-1))
    with np.errstate(divide="ignore"):
        return basis.swapaxes(-1, -2).reshape(tangents.shape), np.log(sizes)


def _estimates(
    network: Network, stretched: np.ndarray, seeds: Sequence[int], depth: int, skipped: int
) -> xr.Dataset:
    """Return means over layers, with standard errors from the means of blocks."""
    length = stretched.shape[1] // BLOCKS
    blocks = stretched[:, : BLOCKS * length].reshape(len(seeds), BLOCKS, length, -1).mean(2)
    errors = blocks.std(1, ddof=1) / np.sqrt(BLOCKS)
    long_enough = length >= 2 * network.width
    status = (
        "complete"
        if long_enough
        else f"blocks of {length} layers are shorter than twice the width: errors may be too small; take the "
        f"interval over seeds, or a depth of {skipped + 2 * BLOCKS * network.width}"
    )
    where = ("seed", "eigenvalue")
    return dataset(
        {"lyapunov": (where, stretched.mean(1)), "lyapunov_error": (where, errors)},
        {"seed": np.asarray(seeds), "eigenvalue": np.arange(stretched.shape[2])},
        {
            "width": network.width,
            "samples": network.samples,
            "weights": network.weights,
            "depth": depth,
            "transient": skipped,
            "status": status,
            "made_by": "sim.isometry",
        },
    )


def _check(network: Network, depth: int, skipped: int, count: int) -> None:
    if not 0 <= skipped <= depth - BLOCKS:
        raise ValueError(
            f"isometry.exponents: depth must leave at least {BLOCKS} layers after the transient; given depth "
            f"{depth} and transient {skipped}"
        )
    if not 1 <= count <= network.width * network.samples:
        raise ValueError(
            "isometry.exponents: count must be between 1 and width times samples = "
            f"{network.width * network.samples}; given {count}"
        )
