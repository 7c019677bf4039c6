"""The activations of the limit, with the two derivatives that its response functions need."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Function = Callable[[Any, Any], Any]

#: Width over which the delta function phi'' of a ReLU is smeared, in units of the preactivation.
SMEARED = 0.1


@dataclass(frozen=True)
class Activation:
    """An activation phi and its derivatives, each a function of (x, xp) with xp numpy or jax.numpy.

    Attributes:
        name: how results call it.
        value, first: phi and phi'.
        second: phi''; None if it has none. Deep nonlinear networks need it.
        caveat: what to keep in mind of its second derivative, "" if nothing.
    """

    name: str
    value: Function
    first: Function
    second: Function | None = None
    caveat: str = ""


def _erf(x: Any, xp: Any) -> Any:
    if xp is np:
        from scipy.special import erf
    else:
        from jax.scipy.special import erf
    return erf(x)


def _density(x: Any, xp: Any) -> Any:
    return xp.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)


def _cumulative(x: Any, xp: Any) -> Any:
    return 0.5 * (1 + _erf(x / np.sqrt(2), xp))


def _sigmoid(x: Any, xp: Any) -> Any:
    return 0.5 * (1 + xp.tanh(0.5 * x))


def _bell(x: Any, xp: Any) -> Any:
    return 2 / np.sqrt(np.pi) * xp.exp(-(x**2))


ACTIVATIONS: dict[str, Activation] = {
    entry.name: entry
    for entry in (
        Activation("linear", lambda x, xp: x, lambda x, xp: xp.ones_like(x), lambda x, xp: xp.zeros_like(x)),
        Activation(
            "tanh",
            lambda x, xp: xp.tanh(x),
            lambda x, xp: 1 - xp.tanh(x) ** 2,
            lambda x, xp: -2 * xp.tanh(x) * (1 - xp.tanh(x) ** 2),
        ),
        Activation("erf", _erf, _bell, lambda x, xp: -2 * x * _bell(x, xp)),
        Activation(
            "softplus",
            lambda x, xp: xp.logaddexp(0.0, x),
            _sigmoid,
            lambda x, xp: _sigmoid(x, xp) * (1 - _sigmoid(x, xp)),
        ),
        Activation(
            "gelu",
            lambda x, xp: x * _cumulative(x, xp),
            lambda x, xp: _cumulative(x, xp) + x * _density(x, xp),
            lambda x, xp: (2 - x**2) * _density(x, xp),
        ),
        Activation(
            "relu",
            lambda x, xp: xp.maximum(x, 0.0),
            lambda x, xp: xp.where(x > 0, 1.0, 0.0),
            lambda x, xp: _density(x / SMEARED, xp) / SMEARED,
            f"the second derivative of relu is a delta function: it is smeared over a width of {SMEARED}, "
            "which biases the responses by a relative order of its square",
        ),
    )
}


def activation_of(activation: str | Activation, *, hidden_layers: int = 1) -> Activation:
    """Return an activation by name, or the given one if it has the derivatives that the depth needs.

    Raises:
        ValueError: an unknown name, or no second derivative with two or more hidden layers.
    """
    if isinstance(activation, Activation):
        if activation.second is None and hidden_layers > 1:
            raise ValueError(
                f"dmft.solve: activation must have a second derivative for {hidden_layers} hidden layers, "
                f"which the backward response needs; given {activation.name!r} without: "
                "add `second`, or take hidden_layers=1"
            )
        return activation
    if activation not in ACTIVATIONS:
        known = ", ".join(map(repr, ACTIVATIONS))
        raise ValueError(
            f"dmft.solve: activation must be one of {known}, or a dmft.Activation with its derivatives; "
            f"given {activation!r}"
        )
    return ACTIVATIONS[activation]
