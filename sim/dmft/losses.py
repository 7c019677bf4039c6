"""The losses of the limit: value, pull on the outputs, and curvature in the outputs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

LossName = Literal["mse", "cross-entropy", "logistic"]


@dataclass(frozen=True)
class Loss:
    r"""A loss of outputs f (..., P, K) and targets y (P, K), the mean over samples of a convex $\ell(f_\mu)$.

    Attributes:
        name: as in `solve(loss=)`.
        value: (f, y, xp) -> per-sample losses (..., P).
        pull: (f, y, xp) -> Delta = -d l / d f (..., P, K), the residual y - f of the squared loss.
        curvature: (f, y) -> d^2 l / d f^2 of every sample (..., P, K, K).

    `xp` is numpy or jax.numpy.
    """

    name: str
    value: Callable[[Any, Any, Any], Any]
    pull: Callable[[Any, Any, Any], Any]
    curvature: Callable[[np.ndarray, np.ndarray], np.ndarray]


def _softmax(f: Any, xp: Any) -> Any:
    weights = xp.exp(f - f.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def _log_partition(f: Any, xp: Any) -> Any:
    top = f.max(axis=-1, keepdims=True)
    return (xp.log(xp.exp(f - top).sum(axis=-1, keepdims=True)) + top)[..., 0]


def _sigmoid(x: Any, xp: Any) -> Any:
    return 0.5 * (1.0 + xp.tanh(0.5 * x))


def _softmax_curvature(f: np.ndarray, y: np.ndarray) -> np.ndarray:
    p = _softmax(f, np)
    return p[..., :, None] * np.eye(f.shape[-1]) - p[..., :, None] * p[..., None, :]


def _logistic_curvature(f: np.ndarray, y: np.ndarray) -> np.ndarray:
    p = _sigmoid(f, np)
    return (p * (1 - p))[..., None]


LOSSES: dict[str, Loss] = {
    "mse": Loss(
        "mse",
        lambda f, y, xp: 0.5 * ((f - y) ** 2).sum(axis=-1),
        lambda f, y, xp: y - f,
        lambda f, y: np.broadcast_to(np.eye(f.shape[-1]), (*f.shape, f.shape[-1])),
    ),
    "cross-entropy": Loss(
        "cross-entropy",
        lambda f, y, xp: _log_partition(f, xp) - (y * f).sum(axis=-1),
        lambda f, y, xp: y - _softmax(f, xp),
        _softmax_curvature,
    ),
    "logistic": Loss(
        "logistic",
        lambda f, y, xp: xp.logaddexp(0.0, -y * f)[..., 0],
        lambda f, y, xp: y * _sigmoid(-y * f, xp),
        _logistic_curvature,
    ),
}


def loss_of(name: str) -> Loss:
    """Return the loss called `name`; ValueError with the known ones otherwise."""
    if name not in LOSSES:
        known = ", ".join(map(repr, get_args(LossName)))
        raise ValueError(f"dmft.solve: loss must be one of {known}; given {name!r}")
    return LOSSES[name]
