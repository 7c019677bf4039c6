"""Make the inputs of a chain: Gaussian, with a given spectrum, or as they are given."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from scalewright.sim.isometry.network import Network
from scalewright.sim.isometry.weights import gaussian, orthogonal


def starts(network: Network, start: Any, seeds: Sequence[int]) -> np.ndarray:
    """Return X_0 (seeds, d, n) from "gaussian", a spectrum, or matrices.

    Raises:
        ValueError: another word, a spectrum of another length than min(d, n) or that is negative or all zero,
            a matrix of another shape, or entries that are not finite.
    """
    streams = [np.random.default_rng(np.random.SeedSequence([int(seed), 0x57A])) for seed in seeds]
    if isinstance(start, str):
        if start != "gaussian":
            raise ValueError(
                f"isometry.chain: start must be 'gaussian', a spectrum or matrices; given {start!r}"
            )
        return gaussian(streams, network.width, network.samples)
    given = np.asarray(start, dtype=float)
    if not np.isfinite(given).all():
        raise ValueError("isometry.chain: start must be finite; given nan or inf")
    if given.ndim == 1:
        return _with_spectrum(network, given, streams)
    shape = (network.width, network.samples)
    if given.shape[-2:] != shape or given.ndim > 3 or (given.ndim == 3 and len(given) != len(seeds)):
        raise ValueError(
            f"isometry.chain: start must be a matrix {shape}, or one a seed ({len(seeds)}); given "
            f"{given.shape}"
        )
    return np.broadcast_to(given, (len(seeds), *shape))


def _with_spectrum(
    network: Network, eigenvalues: np.ndarray, streams: Sequence[np.random.Generator]
) -> np.ndarray:
    """Return X_0 = U diag(lambda)^1/2 V^T with Haar U and V."""
    least = min(network.width, network.samples)
    if len(eigenvalues) != least or (eigenvalues < 0).any() or not eigenvalues.any():
        raise ValueError(
            f"isometry.chain: a spectrum must hold min(width, samples) = {least} eigenvalues >= 0, not all "
            f"zero; given {eigenvalues.tolist()}"
        )
    left, right = orthogonal(streams, network.width), orthogonal(streams, network.samples)
    return (left[:, :, :least] * np.sqrt(eigenvalues)) @ right[:, :least, :]
