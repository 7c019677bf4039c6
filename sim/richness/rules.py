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


def losses(name: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return f -> (loss above its minimum, pull), sharing an exponential, and f -> distance to the end."""
    if name == "squared":
        return lambda f: (0.5 * (f - 1.0) ** 2, 1.0 - f), lambda f: jnp.abs(f - 1.0)
    if name == "cross-entropy":
        right, lowest = float(RIGHT), float(loss_named(name).value.subs(OUTPUT, 1))

        def soft(f: Any) -> Any:
            above, share = _softplus(f)
            return above - right * f - lowest, right - share

        return soft, lambda f: jnp.abs(f - 1.0)
    return lambda f: _softplus(-f), lambda f: _softplus(-f)[1]


def _softplus(x: Any) -> tuple[Any, Any]:
    """Return log(1 + e^x) and its slope, e^x / (1 + e^x)."""
    small = jnp.exp(-jnp.abs(x))
    share = small / (1.0 + small)
    return jnp.maximum(x, 0.0) + jnp.log1p(small), jnp.where(x > 0, 1.0 - share, share)


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
