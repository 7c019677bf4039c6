"""The whole Jacobian of a narrow chain, and its largest singular value by depth."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from scalewright.sim.dataset import dataset
from scalewright.sim.isometry.network import Network
from scalewright.sim.isometry.start import starts
from scalewright.sim.isometry.weights import generators

#: Entries d n of a representation up to which a Jacobian is formed: a matrix of 1024 x 1024 a seed.
LARGEST = 1024


def jacobian(
    network: Network, *, depth: int, start: Any = "gaussian", seeds: Sequence[int] = (0,)
) -> xr.Dataset:
    r"""Return $\log \|\partial X_l / \partial X_0\|$, the largest singular value, at every layer.

    All d n directions are pushed through the layers together; the product is divided by its size at every
    layer, whose logarithm is kept. Same networks, seed by seed, as `chain` draws.

    Returns:
        A trajectory with dimensions (seed, layer): `log_jacobian`, 0 at layer 0.

    Raises:
        ValueError: more than 1024 entries in a representation, or what `chain` refuses.

    Cost: a singular value decomposition of (d n)^2 numbers at every layer and seed.

    Example:
        >>> grown = jacobian(Network(4, 4), depth=20)
        >>> bool(grown.log_jacobian[0, 0] == 0.0)
        True
    """
    size = network.width * network.samples
    if size > LARGEST:
        raise ValueError(
            f"isometry.jacobian: width times samples must be at most {LARGEST}, since a matrix of that size "
            f"squared is formed; given {size}: use isometry.exponents"
        )
    representations, streams = starts(network, start, seeds), generators(seeds)
    shape = (len(seeds), size, network.width, network.samples)
    product = np.broadcast_to(np.eye(size).reshape(shape[1:]), shape)
    logs, found = np.zeros(len(seeds)), np.zeros((len(seeds), depth + 1))
    for index, gain in enumerate(network.gains(depth), start=1):
        layer = network.layer(streams, representations, float(gain))
        representations, product = layer.outputs, layer.push(product)
        sizes = np.linalg.norm(product.reshape(len(seeds), -1), axis=-1)
        product, logs = product / sizes[:, None, None, None], logs + np.log(sizes)
        tops = np.linalg.svd(product.reshape(len(seeds), size, size), compute_uv=False)[:, 0]
        found[:, index] = logs + np.log(tops)
    coords = {"seed": np.asarray(seeds), "layer": np.arange(depth + 1)}
    return dataset({"log_jacobian": (("seed", "layer"), found)}, coords, {"made_by": "sim.isometry"})
