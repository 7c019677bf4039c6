"""The answer: a trajectory in the shape that networks are measured in, with its status and its errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import xarray as xr

from scalewright.sim.dataset import dataset
from scalewright.sim.dmft import fields as shown
from scalewright.sim.dmft.losses import LOSSES
from scalewright.sim.dmft.problem import Problem

Status = Literal["exact", "sampled", "extrapolated", "inaccurate", "diverged"]
#: A run has diverged once its loss exceeds this multiple of its initial loss, or is not finite.
DIVERGED = 1e6


@dataclass(frozen=True)
class Fields:
    """What a solver hands over for one gamma; lists run over the weight layers 0 ... L.

    Attributes:
        outputs: f (T+1, P, K).
        features: Phi^l, (T+1, P, T+1, P), or (T+1, P, P) at equal times.
        gradients: G^(l+1), (T+1, K, T+1, K), with P before each K where it depends on the sample; or
            without the second time.
        forward, backward: responses A^l and B^l, None where they were not asked for.
        errors: standard errors under the names of the fields and of the scalars; empty if exact.
        tangent: Theta at equal times (T+1, P, K, P, K), where it is not the sum over the layers that are
        shown.
    """

    outputs: np.ndarray
    features: Sequence[np.ndarray]
    gradients: Sequence[np.ndarray]
    forward: Sequence[np.ndarray] | None = None
    backward: Sequence[np.ndarray] | None = None
    errors: Mapping[str, Any] = field(default_factory=dict)
    tangent: np.ndarray | None = None


@dataclass(frozen=True)
class Solution:
    """The limit of infinite width.

    Attributes:
        trajectory: an xarray.Dataset with dimensions (gamma, layer, step, sample, output, ...; `_2` for the
            second argument of a kernel): loss, outputs, feature_kernel, gradient_kernel, forward_response,
            backward_response, tangent_kernel, ntk and gauss_newton (largest eigenvalues), diverged_at; and
            `_error`, a standard error, where something was sampled or extrapolated.
        status: "exact" (to rounding), "sampled", "extrapolated", "inaccurate" (an error is larger than was
            asked, or draws came too near the edge of stability), "diverged".
        message: one sentence: what was done, and what to do next if anything.
        standard_error: relative standard error of every sampled quantity, |error| / |value| in the Frobenius
            norm, the largest over gammas; 0 where exact.
    """

    trajectory: xr.Dataset
    status: Status
    message: str
    standard_error: Mapping[str, float]


FEATURE = {5: ("layer", "step", "sample", "step_2", "sample_2"), 4: ("layer", "step", "sample", "sample_2")}
GRADIENT = {
    5: ("layer", "step", "output", "step_2", "output_2"),
    4: ("layer", "step", "output", "output_2"),
    7: ("layer", "step", "sample", "output", "step_2", "sample_2", "output_2"),
}
FORWARD = {
    5: ("layer", "step", "sample", "step_2", "output"),
    6: ("layer", "step", "sample", "step_2", "sample_2", "output"),
}
BACKWARD = {
    5: ("layer", "step", "output", "step_2", "sample"),
    6: ("layer", "step", "sample", "output", "step_2", "sample_2"),
}
TANGENT = ("step", "sample", "output", "sample_2", "output_2")


def assemble(
    problem: Problem, gammas: np.ndarray, found: Sequence[Fields], *, batched: bool, attrs: Mapping[str, Any]
) -> xr.Dataset:
    """Return the trajectory of all gammas; without `batched` the single gamma is no dimension."""
    records = [_record(problem, one) for one in found]
    variables = {}
    for name, (dims, _) in records[0].items():
        values = [record[name][1] for record in records]
        variables[name] = (("gamma", *dims), np.stack(values)) if batched else (dims, values[0])
    coords: dict[str, Any] = {"step": np.arange(problem.times)}
    if "step_2" in {dim for dims, _ in variables.values() for dim in dims}:
        coords["step_2"] = coords["step"]
    coords["layer"] = np.arange(problem.hidden_layers + 1)
    if batched:
        coords["gamma"] = gammas
    fixed = {} if batched else {"gamma": float(gammas[0])}
    return dataset(variables, coords, {**fixed, **_provenance(problem), **attrs, "made_by": "sim.dmft"})


def _provenance(problem: Problem) -> dict[str, Any]:
    return {
        "width": np.inf,
        "hidden_layers": problem.hidden_layers,
        "activation": problem.activation,
        "loss": problem.loss,
        "lr": problem.lr,
        "momentum": problem.momentum,
        "weight_decay": problem.weight_decay,
        **({} if problem.residual is None else {"residual": problem.residual}),
    }


def _record(problem: Problem, found: Fields) -> dict[str, tuple[tuple[str, ...], Any]]:
    """Return the variables of one gamma; whatever follows a divergence is nan."""
    loss, batch_loss, diverged_at = _losses(problem, found.outputs)
    with np.errstate(over="ignore", invalid="ignore"):
        tangent = tangent_of(problem, found)
        ntk = shown.top(tangent.reshape(problem.times, problem.samples * problem.outputs, -1))
        top = shown.gauss_newton_top(problem.loss, tangent, found.outputs, problem.targets)
    record: dict[str, tuple[tuple[str, ...], Any]] = {
        "loss": (("step",), loss),
        "batch_loss": (("step",), batch_loss),
        "outputs": (("step", "sample", "output"), found.outputs),
        "ntk": (("step",), ntk),
        "gauss_newton": (("step",), top),
        "tangent_kernel": (TANGENT, tangent),
        "diverged_at": ((), diverged_at),
    }
    features, gradients = np.stack(found.features), np.stack(found.gradients)
    record["feature_kernel"] = (FEATURE[features.ndim], features)
    record["gradient_kernel"] = (_gradient_dims(problem, gradients), gradients)
    for name, dims, values in (
        ("forward_response", FORWARD, found.forward),
        ("backward_response", BACKWARD, found.backward),
    ):
        if values is not None:
            stacked = np.stack(values)
            record[name] = (dims[stacked.ndim], stacked)
    return record | _errors(record, found.errors)


def _gradient_dims(problem: Problem, gradients: np.ndarray) -> tuple[str, ...]:
    """Return the dimensions of gradient kernels: six axes are those of samples at equal times."""
    return ("layer", *TANGENT) if gradients.ndim == 6 else GRADIENT[gradients.ndim]


def _errors(record: Mapping[str, Any], errors: Mapping[str, Any]) -> dict[str, Any]:
    names = {
        "outputs": "outputs", "loss": "loss", "features": "feature_kernel", "gradients": "gradient_kernel",
        "ntk": "ntk", "gauss_newton": "gauss_newton",
    }  # fmt: skip
    return {f"{names[key]}_error": (record[names[key]][0], np.stack(value)) for key, value in errors.items()}


def _losses(problem: Problem, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    with np.errstate(over="ignore", invalid="ignore"):
        each = LOSSES[problem.loss].value(outputs, problem.targets, np)
        loss = each.mean(axis=-1)
        batch = np.take_along_axis(each, problem.batches, axis=-1).mean(axis=-1)
        bad = ~(loss <= DIVERGED * loss[0])
    if not bad.any():
        return loss, batch, -1
    first = int(bad.argmax())
    loss[first + 1 :] = batch[first + 1 :] = np.nan
    return loss, batch, first


def equal_times(kernel: np.ndarray, two_time: int) -> np.ndarray:
    """Return the diagonal in time of a kernel (T+1, a, T+1, a), or itself if it has `two_time - 1` axes."""
    if kernel.ndim < two_time:
        return kernel
    half = kernel.ndim // 2
    return np.moveaxis(np.diagonal(kernel, axis1=0, axis2=half), -1, 0)


def layer_weights(problem: Problem) -> np.ndarray:
    """Return the weight of every layer in the tangent kernel: its rate times its squared multiplier."""
    branch = np.ones(problem.hidden_layers + 1)
    branch[1:-1] = problem.branch**2
    return problem.rates * branch


def tangent_of(problem: Problem, found: Fields) -> np.ndarray:
    """Return the tangent kernel at equal times (T+1, P, K, P, K)."""
    if found.tangent is not None:
        return found.tangent
    sampled = found.gradients[0].ndim in (5, 6)
    features = [equal_times(x, 4) for x in found.features]
    gradients = [equal_times(x, 6 if sampled else 4) for x in found.gradients]
    return shown.tangent_kernels(features, gradients, layer_weights(problem))


def divergence(problem: Problem, trajectory: xr.Dataset) -> str | None:
    """Say where a run diverged and how sharp it was then; None if none did."""
    at = np.atleast_1d(trajectory.diverged_at.values)
    if (at < 0).all():
        return None
    index = int(np.flatnonzero(at >= 0)[0])
    step = int(at[index])
    loss, sharp = (np.atleast_2d(trajectory[name].values)[index] for name in ("loss", "gauss_newton"))
    last = int(np.flatnonzero(loss[:step] <= loss[0])[-1])
    edge = 2 * (1 + problem.momentum) / problem.lr
    gamma = "" if "gamma" not in trajectory.dims else f" at gamma={trajectory.gamma.values[index]:g}"
    return (
        f"diverged at step {step}{gamma}: the loss exceeds its initial value after step {last}, where the "
        f"Gauss-Newton sharpness was {sharp[last]:.3g}, and the edge of stability of lr={problem.lr:g} is "
        f"{edge:.3g}: lower lr"
    )
