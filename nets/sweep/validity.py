"""Which runs can be trained: what the keys of a run must be to one another."""

import math

import torch

from scalewright.nets.curvature.eigenpairs import smallest_tolerance
from scalewright.nets.measures import QUANTITIES
from scalewright.nets.models.gpt import HEAD
from scalewright.nets.precision import check_precision
from scalewright.nets.sharpness import OPERATORS
from scalewright.nets.sweep.specification import WHOLE, Run
from scalewright.nets.sweep.task import parametrization_of
from scalewright.sim.streams import STREAMS
from scalewright.theory.errors import ScalingError
from scalewright.theory.named import NAMES
from scalewright.theory.power import Power


def check_run(run: Run) -> None:
    """Raise ValueError, in one sentence that begins with the key, if the run can't be trained."""
    for key, wrong in (
        ("quantities", _quantities(run)),
        ("tolerance", _tolerance(run)),
        ("device", _device(run)),
        ("data", _data(run)),
        ("batch", _batch(run)),
        ("layers", _layers(run)),
        ("width", _width(run)),
        ("loss", _loss(run)),
    ):
        if wrong:
            raise ValueError(f"grid: {key} {wrong}")
    check_precision("grid", run.gamma, run.dtype, centred=run.centred)
    unknown = _parametrization(run)
    if unknown:
        raise ValueError(f"grid: parametrization {unknown}")


def _parametrization(run: Run) -> str:
    if run.parametrization not in NAMES:
        return f"must be one of {', '.join(NAMES)}; given {run.parametrization!r}"
    try:
        rules = parametrization_of(run)
    except ScalingError as error:
        return f"{run.parametrization!r} can't be had for {run.model!r} under {run.optimizer!r}: {error}"
    fixed = [name for name, power in rules.multipliers.items() if power != Power.one()]
    return f"{run.parametrization!r} multiplies {fixed[0]!r}, which no model here does" if fixed else ""


def _quantities(run: Run) -> str:
    for name in run.quantities:
        if name not in QUANTITIES:
            return f"must be of {', '.join(QUANTITIES)}; given {name!r}"
    if "accuracy" in run.quantities and run.data in STREAMS:
        return f"of {run.data!r}, whose targets are real numbers, can't be 'accuracy'"
    return ""


def _tolerance(run: Run) -> str:
    """The least residual that the rounding allows, as `check_quantities` knows it."""
    least = smallest_tolerance(getattr(torch, run.precision))
    if not OPERATORS.keys() & set(run.quantities) or run.tolerance >= least:
        return ""
    return f"of eigenvalues in {run.precision} must be at least {least:g}; given {run.tolerance:g}"


def _data(run: Run) -> str:
    if (run.data == "text") != (run.model == "gpt"):
        return (
            f"of model {run.model!r} must {'' if run.model == 'gpt' else 'not '}be 'text'; given {run.data!r}"
        )
    if run.data == "digits" and (run.inputs != 64 or not run.samples <= 1797):
        return f"'digits' has 64 inputs and up to 1797 samples; given {run.inputs} and {run.samples}"
    if run.data in STREAMS and run.inputs < STREAMS[run.data].fewest:
        return f"{run.data!r} needs at least {STREAMS[run.data].fewest} inputs; given {run.inputs}"
    if run.model == "convnet" and math.isqrt(run.inputs) ** 2 != run.inputs:
        return f"of model 'convnet' must be square images; given {run.inputs} inputs"
    if run.online and run.data not in STREAMS:
        return f"must be a stream ({', '.join(STREAMS)}) to be online; given {run.data!r}"
    return ""


def _batch(run: Run) -> str:
    if run.batch == WHOLE:
        return "must be a number where the samples are online; given 'whole'" if run.online else ""
    if run.optimizer == "flow":
        return f"of the gradient flow must be 'whole'; given {run.batch!r}"
    if not run.online and int(run.batch) > run.samples:
        return f"must be at most the {run.samples} samples; given {run.batch!r}"
    return ""


def _device(run: Run) -> str:
    if run.device == "cuda" and not torch.cuda.is_available():
        return "must be 'cpu' where torch finds no GPU; given 'cuda'"
    return ""


def _layers(run: Run) -> str:
    least = {"gpt": 1, "residual": 3}.get(run.model, 2)
    return (
        "" if run.layers >= least else f"of model {run.model!r} must be at least {least}; given {run.layers}"
    )


def _width(run: Run) -> str:
    if run.model == "gpt" and run.width > HEAD and run.width % HEAD:
        return f"of model 'gpt' must be at most {HEAD} or a multiple of it; given {run.width}"
    return ""


def _loss(run: Run) -> str:
    if run.data in STREAMS and run.loss != "mse":
        return f"of {run.data!r}, whose targets are real numbers, must be 'mse'; given {run.loss!r}"
    if run.data == "text" and run.loss != "cross-entropy":
        return f"of 'text', whose targets are classes, must be 'cross-entropy'; given {run.loss!r}"
    return ""
