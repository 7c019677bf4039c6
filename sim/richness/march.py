r"""March a toy over many cells of the gamma-eta plane at once: one compiled loop of jax for all of them.

The wide network is trained in its two modes A, B, by which the sums w_i + u_i and the differences w_i - u_i
of all units are multiplied: f = (A^2 - B^2) / (2 gamma), A' = A + (eta/gamma) Delta A, B' = B - (eta/gamma)
Delta B, exact at every width for random weights with K = 2 and f = 0 at the start.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from scalewright.sim.richness.task import Task

#: Cells that go through the loop together: the state of a block stays in the processor's cache.
BLOCK = 1024
#: Steps between two looks at whether a block has finished.
LOOK = 64
#: A run counts as converged only if it stays so for this many further steps: a cycle of length two, or a
#: lucky last step, does not.
CONFIRM = 16
#: A weight beyond this many times the size of the minimiser's has diverged.
FAR = 1e8
#: The same where the minimiser is at infinity: short of what the fifth power of a weight overflows.
FAR_AWAY = 1e60
#: A weight whose step is below this share of it, in units of the rounding error, has come to rest.
REST = 4.0


@dataclass(frozen=True)
class Ends:
    """What is known of every cell after T steps and `CONFIRM` more; arrays of the shape that `march` got.

    Attributes:
        output: f after the last step, T + `CONFIRM`, nan where diverged.
        loss, peak_loss: loss above its minimum after the last step, and its largest value on the way.
        settled_at: number of steps after which the error stays at most `Task.error`, up to the last step;
            T + 1 if that is later than T.
        diverged_at: step at which a weight left every bound, -1 if none did.
        rose: whether the loss rose in some step, while the error was above `Task.error`.
    """

    output: np.ndarray
    loss: np.ndarray
    peak_loss: np.ndarray
    settled_at: np.ndarray
    diverged_at: np.ndarray
    rose: np.ndarray


def march(task: Task, gamma: Any, eta: Any) -> Ends:
    """Train one toy in every cell (gamma, eta), in float64, until T or until a whole block is at rest.

    Args:
        gamma, eta: positive numbers, arrays that broadcast against each other.

    Returns:
        Ends, with arrays of the common shape.

    Raises:
        ValueError: a gamma or eta that is not positive and finite, or a gamma at which centring cancels the
            digits that the error needs.

    Cost: about 5 ns (squared loss) to 30 ns (cross-entropy) a cell and step on one core, less where cells
    come to rest; memory of some 100 bytes a cell.

    Example:
        >>> march(Task(layers=3, steps=200), 1.0, [0.1, 10.0]).diverged_at
        array([-1,  3])
    """
    gammas, etas = np.broadcast_arrays(checked("gamma", gamma), checked("eta", eta))
    _check_digits(task, float(gammas.min()))
    shape, cells = gammas.shape, gammas.size
    gammas, etas = gammas.ravel(), etas.ravel()
    order = np.argsort(_closeness(task, gammas, etas), kind="stable")  # like cells finish together
    found: list[dict[str, np.ndarray]] = []
    for first in range(0, cells, BLOCK):
        block = order[first : first + BLOCK]
        padded = np.concatenate([block, np.full(BLOCK - len(block), block[-1])])
        found.append({k: v[: len(block)] for k, v in _run(task, gammas[padded], etas[padded]).items()})
    joined = {name: np.concatenate([one[name] for one in found]) for name in found[0]}
    back = np.argsort(order)
    return Ends(**{name: value[back].reshape(shape) for name, value in joined.items()})


def checked(name: str, values: Any) -> np.ndarray:
    """Return positive finite numbers as a float array; ValueError otherwise."""
    array = np.asarray(values, dtype=float)
    if array.size == 0 or not (np.isfinite(array) & (array > 0)).all():
        bad = array[~(np.isfinite(array) & (array > 0))].ravel()[:3].tolist()
        raise ValueError(f"richness: {name} must be positive and finite; given {bad or 'nothing'}")
    return array


def _check_digits(task: Task, gamma: float) -> None:
    """Refuse gammas at which rounding of the product, over gamma, is more than a thousandth of the error."""
    least = 1e3 * float(np.finfo(float).eps) / task.error
    if gamma < least:
        raise ValueError(
            f"richness.march: gamma must be at least {least:.2g} for an error of {task.error:g}: below, "
            f"centring cancels the digits of the output in float64; given {gamma:.3g}"
        )


def _closeness(task: Task, gammas: np.ndarray, etas: np.ndarray) -> np.ndarray:
    """Return eta times the sharpness at the minimiser, up to a constant."""
    return etas * (1 + gammas) ** (2 - 2 / task.layers) / gammas**2


def _run(task: Task, gammas: np.ndarray, etas: np.ndarray) -> dict[str, np.ndarray]:
    import jax

    with jax.enable_x64(True):
        loop = _compiled(task.model, task.layers, task.loss, task.optimizer)
        numbers = (task.momentum, *task.betas, task.eps, task.error)
        found = loop(np.array(task.weights), gammas, etas, task.steps, numbers)
        return {name: np.asarray(value) for name, value in found.items()}


@cache
def _compiled(model: str, layers: int, loss: str, optimizer: str) -> Any:
    """Return the loop for one kind of toy, compiled once: cells, steps and numbers are its arguments."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    rules = _rules(model, layers, loss, optimizer)

    def run(start: Any, gamma: Any, eta: Any, steps: Any, numbers: Any) -> dict[str, Any]:
        weights = start[:, None] * jnp.ones_like(gamma)
        step = _step_of(rules, gamma, eta, rules.output(weights, 0.0, gamma), steps + CONFIRM, numbers)

        def look(carry: tuple[Any, dict[str, Any]]) -> tuple[Any, dict[str, Any]]:
            t, state = carry
            return t + LOOK, lax.fori_loop(t, t + LOOK, step, state)

        def going(carry: tuple[Any, dict[str, Any]]) -> Any:
            t, state = carry
            return (t < steps + CONFIRM) & ~(state["resting"] | (state["diverged_at"] >= 0)).all()

        first = _start(rules, weights, rules.output(weights, rules.output(weights, 0.0, gamma), gamma))
        _, state = lax.while_loop(going, look, (jnp.int64(0), first))
        return _ends(rules, state, steps, numbers[-1])

    return jax.jit(run)


@dataclass(frozen=True)
class _Rules:
    """The functions that make up one kind of toy (`sim.richness.rules`), and what its weights stay below.

    Attributes:
        output: of weights, output at the start and gamma. gradient: of weights, pull and gamma.
        loss_and_pull, missed: of the output. advance: the optimizer's step.
        bound: of gamma, beyond which a weight has diverged.
    """

    output: Callable[..., Any]
    gradient: Callable[..., Any]
    loss_and_pull: Callable[..., Any]
    missed: Callable[..., Any]
    advance: Callable[..., Any]
    bound: Callable[..., Any]


def _rules(model: str, layers: int, loss: str, optimizer: str) -> _Rules:
    from scalewright.sim.richness.rules import losses, models, optimizers

    far = FAR if loss != "logistic" else FAR_AWAY

    def bound(gamma: Any) -> Any:
        return far * (1 + gamma) ** (1 / layers)

    return _Rules(*models(model, layers), *losses(loss), optimizers(optimizer), bound)


def _start(rules: _Rules, weights: Any, output: Any) -> dict[str, Any]:
    """Return the state of every cell before the first step."""
    import jax.numpy as jnp

    value, pull = rules.loss_and_pull(output)
    count = jnp.zeros_like(output, dtype=jnp.int64)
    no = jnp.zeros_like(output, dtype=bool)
    return {
        "weights": weights, "memory": (jnp.zeros_like(weights),) * 2, "output": output,
        "pull": pull, "loss": value, "peak_loss": value,
        "settled_at": count + 1, "diverged_at": count - 1,
        "rose": no, "resting": no,
    }  # fmt: skip


def _step_of(rules: _Rules, gamma: Any, eta: Any, origin: Any, last: Any, numbers: Any) -> Callable[..., Any]:
    """Return one step of training, from its number and the state before to the state after."""
    import jax.numpy as jnp

    error, tiny, bound = numbers[-1], REST * np.finfo(float).eps, rules.bound(gamma)

    def step(t: Any, state: dict[str, Any]) -> dict[str, Any]:
        weights = state["weights"]
        slope = rules.gradient(weights, state["pull"], gamma)
        move, memory = rules.advance(slope, state["memory"], t, numbers)
        alive = (t < last) & (state["diverged_at"] < 0)
        moved = jnp.where(alive, weights + eta * move, weights)
        output = rules.output(moved, origin, gamma)
        value, pull = rules.loss_and_pull(output)
        lost = jnp.where(alive, value, state["loss"])
        away = rules.missed(output) > error
        gone = alive & ~(jnp.abs(moved) < bound).all(axis=0)
        return {
            "weights": moved,
            "memory": memory,
            "output": output,
            "pull": pull,
            "loss": lost,
            "peak_loss": jnp.maximum(state["peak_loss"], lost),
            "settled_at": jnp.where(alive & away, t + 2, state["settled_at"]),
            "diverged_at": jnp.where(gone, t + 1, state["diverged_at"]),
            "rose": state["rose"] | (alive & away & (lost > state["loss"] * (1 + 1e-12))),
            "resting": (jnp.abs(moved - weights) <= tiny * jnp.abs(moved)).all(axis=0),
        }

    return step


def _ends(rules: _Rules, state: dict[str, Any], steps: Any, error: Any) -> dict[str, Any]:
    """Return the entries of `Ends` from the last state."""
    import jax.numpy as jnp

    diverged = state["diverged_at"] >= 0
    never = diverged | (rules.missed(state["output"]) > error)  # also where a run came to rest before T
    return {
        "output": jnp.where(diverged, jnp.nan, state["output"]),
        "loss": jnp.where(diverged, jnp.nan, state["loss"]),
        "peak_loss": state["peak_loss"],
        "settled_at": jnp.where(never, steps + 1, jnp.minimum(state["settled_at"], steps + 1)),
        "diverged_at": state["diverged_at"],
        "rose": state["rose"],
    }
