"""Average independent replicates of a sampled march, and say how far the average can be off."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scalewright.sim.dmft import fields as shown
from scalewright.sim.dmft import montecarlo, two_layer
from scalewright.sim.dmft.activations import Activation
from scalewright.sim.dmft.losses import LOSSES
from scalewright.sim.dmft.problem import Problem
from scalewright.sim.dmft.solution import Fields, tangent_of


def sample(
    problem: Problem,
    activation: Activation,
    gamma: float,
    *,
    draws: int,
    replicates: int,
    seed: int,
    two_time: bool,
) -> Fields:
    """Return the mean of `replicates` independent marches of `draws` draws each, with its standard errors.

    The replicates share nothing, so that the errors hold what a replicate's kernels do to each other as well.
    """
    one: Any = two_layer if problem.hidden_layers == 1 else montecarlo
    runs = (
        one.march(problem, activation, gamma, one.draw(problem, draws, (seed, index)))
        for index in range(replicates)
    )
    with np.errstate(over="ignore", invalid="ignore"):
        return average([_fields(problem, run, two_time) for run in runs], problem)


def average(runs: list[Fields], problem: Problem) -> Fields:
    """Average fields over replicates; errors are standard deviations over the square root of their number."""
    outputs, outputs_error = _mean([run.outputs for run in runs])
    features, features_error = _means([run.features for run in runs])
    gradients, gradients_error = _means([run.gradients for run in runs])
    scalars = [_scalars(problem, run) for run in runs]
    errors: dict[str, Any] = {
        "outputs": outputs_error,
        "features": features_error,
        "gradients": gradients_error,
        **{name: _mean([row[name] for row in scalars])[1] for name in scalars[0]},
    }
    if runs[0].forward is None:
        return Fields(outputs, features, gradients, errors=errors)
    forward, backward = (_means([getattr(run, name) for run in runs])[0] for name in ("forward", "backward"))
    return Fields(outputs, features, gradients, forward, backward, errors)


def _mean(values: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of replicates and its standard error."""
    stacked = np.stack(values)
    return stacked.mean(axis=0), stacked.std(axis=0, ddof=1) / np.sqrt(len(values))


def _means(lists: Sequence[Sequence[np.ndarray]]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return means and errors of replicated lists, entry by entry."""
    pairs = [_mean(layer) for layer in zip(*lists, strict=True)]
    return [mean for mean, _ in pairs], [error for _, error in pairs]


def _scalars(problem: Problem, run: Fields) -> dict[str, np.ndarray]:
    """Return what is a function of one replicate: its loss and the largest eigenvalues."""
    tangent = tangent_of(problem, run)
    size = problem.samples * problem.outputs
    return {
        "loss": LOSSES[problem.loss].value(run.outputs, problem.targets, np).mean(axis=-1),
        "ntk": shown.top(tangent.reshape(problem.times, size, size)),
        "gauss_newton": shown.gauss_newton_top(problem.loss, tangent, run.outputs, problem.targets),
    }


def _fields(problem: Problem, run: Mapping[str, Any], two_time: bool) -> Fields:
    p, k, times = problem.samples, problem.outputs, problem.times
    features = [np.broadcast_to(problem.kernel[None, :, None], (times, p, times, p))]
    features += [x.reshape(times, p, times, p) for x in run["feature"]]
    gradients = [x.reshape(times, p, k, times, p, k) for x in run["gradient"]]
    readout = np.broadcast_to(np.eye(k)[None, None, :, None, None], (times, p, k, times, p, k))
    gradients.append(readout)
    if not two_time:
        features = [np.einsum("tptq->tpq", x) for x in features]
        return Fields(run["outputs"], features, [np.einsum("tpitqj->tpiqj", x) for x in gradients])
    if "forward" not in run:
        return Fields(run["outputs"], features, gradients)
    zero, unknown = np.zeros((times, p, times, p, k)), np.full((times, p, times, p, k), np.nan)
    forward = [zero, *(x.reshape(zero.shape) for x in run["forward"]), unknown]
    backward = [x.reshape(times, p, k, times, p) for x in run["backward"]]
    none = np.zeros((times, p, k, times, p))
    return Fields(run["outputs"], features, gradients, forward, [none * np.nan, *backward, none])
