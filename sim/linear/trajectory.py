"""Predict the training of two-layer linear networks at any width, the infinite one included."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr

from scalewright.sim.dataset import dataset
from scalewright.sim.linear import spectra
from scalewright.sim.linear.coefficients import Coefficients, coefficients
from scalewright.sim.linear.problem import Problem
from scalewright.sim.linear.state import State, initial, step, velocity
from scalewright.theory.parametrization import Parametrization

Dynamics = Literal["descent", "flow"]
QUANTITIES = ("sharpness", "gauss_newton", "residual", "ntk", "trace")

#: A run has diverged once its loss exceeds this multiple of its initial loss, or is not finite.
DIVERGED = 1e6


@dataclass(frozen=True)
class _Run:
    """What stays fixed along a prediction."""

    problem: Problem
    by: Coefficients
    width: float
    tolerance: float


def trajectory(
    problem: Problem,
    parametrization: Parametrization,
    *,
    width: float,
    lr: float,
    steps: int,
    gamma: float = 1.0,
    seeds: Sequence[int] = (0,),
    state: State | None = None,
    spectra_at: Iterable[int] = (),
    quantities: Sequence[str] = QUANTITIES,
    dynamics: Dynamics = "descent",
    tolerance: float = 1e-7,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Integrate the closed dynamics of f = c X E V^T exactly, for many initial draws at once.

    The Gram matrix of the stacked weights obeys a closed map, M' = (I - c Lambda Q) M (I - c Lambda Q)^T, so
    the cost is that of (D+K) x (D+K) matrices whatever the width.

    Args:
        problem: covariance, solution and floor of the regression.
        parametrization: of a two-layer network under SGD; its powers give every prefactor.
        width: N >= 1, or `math.inf`.
        lr: base learning rate eta_0.
        steps: number of gradient steps T (or of units of time); entries 0 ... T are returned.
        gamma: feature-learning strength gamma_0.
        seeds: one independent initial draw a seed (Bartlett's decomposition; the cost is width independent).
        state: start from these states instead, one a seed (leading axis).
        spectra_at: steps at which the spectra are computed; other entries are nan.
        quantities: which of sharpness, gauss_newton, residual, ntk, trace to compute there.
        dynamics: "descent" iterates the exact discrete map; "flow" integrates the gradient flow in the time
            eta_0 * step to a relative tolerance of 1e-10 (DOP853).
        tolerance: relative residual asked of the Lanczos iteration of the sharpness.
        progress: called with (steps done, steps in all).

    Returns:
        A trajectory with dimensions (seed, step): loss, the asked spectra, `sharpness_error` (the residual
        bound) and `diverged_at` (seed), -1 where the run did not diverge; the loss is nan after that step.

    Raises:
        ValueError: unknown quantities or dynamics, steps out of range, a state that does not match the seeds.
        NoLimitError: the parametrization has no infinite-width limit.
    """
    observed = _check(steps, lr, width, spectra_at, quantities, dynamics, seeds, state)
    sizes = {"inputs": problem.inputs, "outputs": problem.outputs}
    by = coefficients(parametrization, width=width, gamma=gamma, lr=lr, **sizes)
    start = initial(width=width, kappa=by.kappa, seeds=seeds, **sizes) if state is None else state
    run = _Run(problem, by, width, tolerance)
    states = _descend(run, start, steps) if dynamics == "descent" else _flow(run, start, steps)
    record = _record(run, states, observed, quantities, len(seeds), steps, progress)
    coords: dict[str, object] = {"seed": list(seeds), "step": np.arange(steps + 1)}
    attrs = {
        "width": width,
        "lr": lr,
        "gamma": gamma,
        "parametrization": parametrization.name,
        "dynamics": dynamics,
    }
    return dataset(record, coords, attrs | {"made_by": "sim.linear"})


def _descend(run: _Run, start: State, steps: int) -> Iterable[State]:
    yield start
    state = start
    for _ in range(steps):
        with np.errstate(over="ignore", invalid="ignore"):
            state = step(state, run.problem.pull(run.by.forward * state.overlap), run.by)
        yield state


def _flow(run: _Run, start: State, steps: int) -> Iterable[State]:
    """Integrate each draw by an explicit Runge-Kutta method of order 8; a failed integration raises."""
    from scipy.integrate import solve_ivp

    d, k = run.problem.inputs, run.problem.outputs
    cuts = np.cumsum([d * d, k * k])

    def unpack(flat: np.ndarray) -> State:
        a, v, m = np.split(flat, cuts)
        return State(a.reshape(d, d), v.reshape(k, k), m.reshape(d, k))

    def pack(state: State) -> np.ndarray:
        return np.concatenate([part.ravel() for part in (state.features, state.readout, state.overlap)])

    def slope(_: float, flat: np.ndarray) -> np.ndarray:
        state = unpack(flat)
        return pack(velocity(state, run.problem.pull(run.by.forward * state.overlap), run.by))

    if steps == 0:
        yield start
        return
    grid = np.arange(steps + 1, dtype=float)
    paths = []
    for draw in range(len(start.overlap)):
        solved = solve_ivp(
            slope,
            (0.0, float(steps)),
            pack(start[draw]),
            method="DOP853",
            t_eval=grid,
            rtol=1e-10,
            atol=1e-12,
        )
        if not solved.success:
            raise ArithmeticError(
                f"sim.linear.trajectory: the flow of draw {draw} was not integrated: {solved.message}"
            )
        paths.append(solved.y.T)
    for t in range(steps + 1):
        parts = [unpack(path[t]) for path in paths]
        yield State(
            *(
                np.stack(block)
                for block in zip(*((p.features, p.readout, p.overlap) for p in parts), strict=True)
            )
        )


def _record(
    run: _Run,
    states: Iterable[State],
    observed: frozenset[int],
    quantities: Sequence[str],
    draws: int,
    steps: int,
    progress: Callable[[int, int], None] | None,
) -> dict[str, tuple[tuple[str, ...], np.ndarray]]:
    names = [*quantities, "sharpness_error"] if "sharpness" in quantities else list(quantities)
    values = {name: np.full((draws, steps + 1), np.nan) for name in ("loss", *names)}
    diverged_at = np.full(draws, -1)
    for t, state in enumerate(states):
        maps = run.by.forward * state.overlap
        with np.errstate(over="ignore", invalid="ignore"):
            loss = run.problem.loss(maps)
        limit = DIVERGED * (loss if t == 0 else values["loss"][:, 0])
        diverged_at[(diverged_at < 0) & ~(loss <= limit)] = t
        alive = diverged_at < 0
        values["loss"][:, t] = np.where(alive | (diverged_at == t), loss, np.nan)
        if t in observed and alive.any():
            for name, row in _spectra(run, state[alive], maps[alive], quantities).items():
                values[name][alive, t] = row
        if progress:
            progress(t, steps)
    record: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
        n: (("seed", "step"), a) for n, a in values.items()
    }
    return record | {"diverged_at": (("seed",), diverged_at)}


def _spectra(run: _Run, state: State, maps: np.ndarray, quantities: Sequence[str]) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    if {"gauss_newton", "ntk"} & set(quantities):
        top = spectra.gauss_newton_top(state, run.problem, run.by)
        found |= {"gauss_newton": top, "ntk": run.problem.samples * top}
    if "residual" in quantities:
        found["residual"] = spectra.residual_top(run.problem.pull(maps), run.by)
    if "trace" in quantities:
        found["trace"] = spectra.gauss_newton_trace(state, run.problem, run.by)
    if "sharpness" in quantities:
        tops = [
            spectra.sharpness(
                state[part], run.problem, run.by, width=run.width, maps=maps[part], tolerance=run.tolerance
            )
            for part in _chunks(len(maps), run.problem.inputs + run.problem.outputs)
        ]
        found["sharpness"] = np.concatenate([t.values for t in tops])
        found["sharpness_error"] = np.concatenate([t.residuals for t in tops])
    return {name: row for name, row in found.items() if name.removesuffix("_error") in quantities}


def _chunks(draws: int, size: int) -> list[slice]:
    """Split the draws so that 40 Lanczos vectors of a chunk fill 16 MiB, which caches hold (3x as fast)."""
    length = max(1, int(2**24 // (8 * 40 * size * size)))
    return [slice(first, min(first + length, draws)) for first in range(0, draws, length)]


def _check(
    steps: int,
    lr: float,
    width: float,
    spectra_at: Iterable[int],
    quantities: Sequence[str],
    dynamics: str,
    seeds: Sequence[int],
    state: State | None,
) -> frozenset[int]:
    if not (isinstance(steps, int) and steps >= 0):
        raise ValueError(f"sim.linear.trajectory: steps must be an integer of at least 0; given {steps}")
    if not 0 < lr < math.inf:
        raise ValueError(f"sim.linear.trajectory: lr must be positive and finite; given {lr}")
    if not (width == math.inf or (width >= 1 and float(width).is_integer())):
        raise ValueError(
            f"sim.linear.trajectory: width must be an integer of at least 1 or math.inf; given {width}"
        )
    if not len(seeds) or any(not isinstance(s, int | np.integer) or s < 0 for s in seeds):
        raise ValueError(f"sim.linear.trajectory: seeds must be non-negative integers; given {list(seeds)}")
    if dynamics not in ("descent", "flow"):
        raise ValueError(f"sim.linear.trajectory: dynamics must be 'descent' or 'flow'; given {dynamics!r}")
    unknown = [name for name in quantities if name not in QUANTITIES]
    if unknown:
        raise ValueError(
            f"sim.linear.trajectory: quantities must be among {', '.join(QUANTITIES)}; given {unknown[0]!r}"
        )
    observed = frozenset(spectra_at)
    outside = [t for t in observed if not isinstance(t, int | np.integer) or not 0 <= t <= steps]
    if outside:
        raise ValueError(
            f"sim.linear.trajectory: spectra_at must hold integers between 0 and steps={steps}; "
            f"given {outside[0]}"
        )
    if state is not None and len(state.overlap) != len(seeds):
        raise ValueError(
            f"sim.linear.trajectory: state must hold one network a seed ({len(seeds)}); given "
            f"{len(state.overlap)}"
        )
    return observed
