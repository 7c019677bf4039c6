"""What the compiled loop is made of: outputs and gradients of the toys, losses, and optimizers' steps.

All are functions of jax arrays; they are imported where they are compiled.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from scalewright.theory.richness import loss_named
from scalewright.theory.richness.losses import RIGHT
from scalewright.theory.richness.symbols import OUTPUT

Pair = tuple[Callable[..., Any], Callable[..., Any]]
Three = tuple[Callable[[Any], Any], Callable[[Any], Any], Callable[[Any], Any]]


def models(name: str, layers: int) -> Pair:
    """Return (weights, origin, gamma) -> f and (weights, pull, gamma) -> minus the gradient.

    Weights are (n, cells); `origin` is what centres the output.
    """
    match name:
        case "balanced":
            return (
                lambda w, origin, gamma: (w[0] ** layers - 1.0) / gamma,
                lambda w, pull, gamma: pull / gamma * w ** (layers - 1),
            )
        case "unbalanced":
            return (
                lambda w, origin, gamma: w.prod(axis=0) / gamma - origin,
                lambda w, pull, gamma: pull / gamma * _others(w, layers),
            )
    return (
        lambda w, origin, gamma: (w[0] ** 2 - w[1] ** 2) / (2 * gamma),
        lambda w, pull, gamma: pull / gamma * jnp.stack([w[0], -w[1]]),
    )


def _others(weights: Any, layers: int) -> Any:
    """Return the product of all weights but one, for each: exact where a weight is zero."""
    rows = [weights[:index].prod(axis=0) * weights[index + 1 :].prod(axis=0) for index in range(layers)]
    return jnp.stack(rows)


def losses(name: str) -> Three:
    """Return loss above its minimum, pull, and distance from convergence, as functions of f."""
    if name == "squared":
        return lambda f: 0.5 * (f - 1.0) ** 2, lambda f: 1.0 - f, lambda f: jnp.abs(f - 1.0)
    if name == "cross-entropy":
        right, lowest = float(RIGHT), float(loss_named(name).value.subs(OUTPUT, 1))
        return (
            lambda f: jnp.logaddexp(0.0, f) - right * f - lowest,
            lambda f: right - _sigmoid(f),
            lambda f: jnp.abs(f - 1.0),
        )
    return lambda f: jnp.logaddexp(0.0, -f), lambda f: _sigmoid(-f), lambda f: _sigmoid(-f)


def _sigmoid(x: Any) -> Any:
    return 0.5 * (1.0 + jnp.tanh(0.5 * x))


def optimizers(name: str) -> Callable[..., Any]:
    """Return (minus gradient, memory, step, numbers) -> (move, memory), the move before the rate.

    `numbers` are momentum, two betas, eps and the error; memory is two arrays of the weights' shape.
    """

    def momentum(slope: Any, memory: Any, t: Any, numbers: Any) -> Any:
        speed = numbers[0] * memory[0] + slope
        return speed, (speed, memory[1])

    def adam(slope: Any, memory: Any, t: Any, numbers: Any) -> Any:
        _, first, second, eps, _ = numbers
        mean = first * memory[0] + (1 - first) * slope
        square = second * memory[1] + (1 - second) * slope**2
        size = jnp.sqrt(square / (1 - second ** (t + 1.0))) + eps
        return jnp.where(size > 0, mean / (1 - first ** (t + 1.0)) / size, 0.0), (mean, square)

    return {
        "sgd": lambda slope, memory, t, numbers: (slope, memory),
        "momentum": momentum,
        "sign": lambda slope, memory, t, numbers: (jnp.sign(slope), memory),
        "adam": adam,
    }[name]
