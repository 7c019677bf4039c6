"""What one run of a sweep is: every number that its arrays depend on, checked, in one canonical form."""

import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Any

import numpy as np

from scalewright.nets import optimizers
from scalewright.nets.precision import precision_of

#: The optimizers that take steps, and the flow.
OPTIMIZERS = (*optimizers.OPTIMIZERS, "flow")
MODELS = ("mlp", "residual", "convnet", "gpt")
DATA = ("digits", "teacher", "multi-index", "text")
WHOLE = "whole"


def _one_of(*values: str) -> Callable[[str], str]:
    return lambda value: "" if value in values else f"one of {', '.join(map(repr, values))}"


def _at_least(least: float) -> Callable[[float], str]:
    return lambda value: "" if value >= least else f"at least {least:g}"


def _positive(value: float) -> str:
    return "" if value > 0 else "positive"


def _share(value: float) -> str:
    return "" if 0 <= value < 1 else "in [0, 1)"


def _text(value: str) -> str:
    return "" if value else "a name"


def _entry(default: Any, check: Callable[[Any], str], *, axis: bool = True, member: bool = False) -> Any:
    """Declare a key: its default, what is accepted, whether it may be an axis or differ inside a block."""
    return field(default=default, metadata={"check": check, "axis": axis, "member": member})


@dataclass(frozen=True)
class Run:
    """One network in training: every choice that its arrays depend on.

    What they depend on beside it is the code, whose version is in the key, and the libraries, the machine and
    the bytes of the data, which stand in the provenance.

    Attributes:
        model, layers, width, activation: the network; `layers` counts weight layers, of "gpt" blocks.
        parametrization, base_width, gamma: how it is scaled.
        optimizer, lr: base learning rate; momentum, beta1, beta2, eps, weight_decay: of those that have them.
        loss: "mse" or "cross-entropy". centred: subtract the outputs at initialisation.
        data: "digits", "teacher", "multi-index" or "text". samples: number of them (of the evaluation where
            `online`). inputs: dimension of a stream's inputs, length of a text's contexts; digits have 64.
        batch: "whole", or the size of batches, drawn without replacement; with `online`, of fresh samples.
        seed: of the weights; data_seed: of the order of batches, and of a stream; task: of its target.
        steps: updates. horizon: the last time of the gradient flow.
        points: how many points of the run are recorded at most, spaced as `schedule` says, "linear" or
            "logarithmic".
        quantities: observables at these points beside the loss; tolerance, budget: of eigenvalues.
        flow_tolerance, flow_budget: of the solver of the flow: local error, and steps from one recorded time
            to the next, after which a member counts as lost. divergence: factor on the initial loss.
        dtype: "float32", "float64" or "auto": float64 where gamma < 1e-2 and for the flow.
        compiled: translate the gradient for the machine first. device: "cpu" or "cuda".
        threads: of one block. block: number of runs that are trained together.
    """

    model: str = _entry("mlp", _one_of(*MODELS))
    layers: int = _entry(3, _at_least(1))
    width: int = _entry(64, _at_least(1))
    activation: str = _entry("relu", _one_of("relu", "linear", "tanh", "gelu"))
    parametrization: str = _entry("mup", _text)
    base_width: int = _entry(1, _at_least(1))
    gamma: float = _entry(1.0, _positive, member=True)
    optimizer: str = _entry("sgd", _one_of(*OPTIMIZERS))
    lr: float = _entry(0.1, _positive, member=True)
    momentum: float = _entry(0.9, _share)
    beta1: float = _entry(0.9, _share)
    beta2: float = _entry(0.999, _share)
    eps: float = _entry(1e-8, _at_least(0))
    weight_decay: float = _entry(0.0, _at_least(0))
    loss: str = _entry("mse", _one_of("mse", "cross-entropy"), axis=False)
    centred: bool = _entry(False, lambda _: "", axis=False)
    data: str = _entry("digits", _one_of(*DATA), axis=False)
    samples: int = _entry(256, _at_least(1))
    inputs: int = _entry(64, _at_least(1))
    batch: str | int = _entry(WHOLE, lambda v: "" if v == WHOLE or v >= 1 else "'whole' or at least 1")
    online: bool = _entry(False, lambda _: "", axis=False)
    seed: int = _entry(0, _at_least(0), member=True)
    data_seed: int = _entry(0, _at_least(0), member=True)
    task: int = _entry(0, _at_least(0), member=True)
    steps: int = _entry(100, _at_least(0), axis=False)
    horizon: float = _entry(1.0, _positive, axis=False)
    points: int = _entry(11, _at_least(2), axis=False)
    schedule: str = _entry("linear", _one_of("linear", "logarithmic"), axis=False)
    quantities: tuple[str, ...] = _entry((), lambda _: "", axis=False)
    tolerance: float = _entry(1e-3, _positive, axis=False)
    budget: int = _entry(200, _at_least(1), axis=False)
    flow_tolerance: float = _entry(1e-6, _positive, axis=False)
    flow_budget: int = _entry(1000, _at_least(1), axis=False)
    divergence: float = _entry(1e6, _positive, axis=False)
    dtype: str = _entry("auto", _one_of("auto", "float32", "float64"), axis=False)
    compiled: bool = _entry(False, lambda _: "", axis=False)
    device: str = _entry("cpu", _one_of("cpu", "cuda"), axis=False)
    threads: int = _entry(1, _at_least(1), axis=False)
    block: int = _entry(64, _at_least(1), axis=False)

    @property
    def precision(self) -> str:
        """The dtype in which the run is computed."""
        if self.dtype != "auto":
            return self.dtype
        return "float64" if self.optimizer == "flow" else precision_of(self.gamma)

    @property
    def coordinate(self) -> str:
        """What the recorded points are counted in."""
        return "time" if self.optimizer == "flow" else "step"

    def schedule_points(self) -> np.ndarray:
        """Return the recorded steps, or times of the flow, at most `points`: from 0 to the end."""
        flow = self.coordinate == "time"
        end, first = (self.horizon, self.horizon / 1000) if flow else (self.steps, 1)
        if self.schedule == "linear" or end == 0:
            points = np.linspace(0, end, self.points)
        else:  # from the end, so that one point is the end
            points = np.concatenate([[0.0], np.geomspace(end, first, self.points - 1)[::-1]])
        return points if flow else np.unique(points.round().astype(np.int64))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**{name: getattr(self, name) for name in ENTRIES}, "quantities": list(self.quantities)}

    def key(self, code: str) -> str:
        """Return the run's name in a store: a hash of its canonical form and of the version of the code."""
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return key_of(code, text)

    def shape(self) -> tuple[Any, ...]:
        """Return what runs of one block have in common."""
        return (self.precision, *(getattr(self, name) for name in SHARED))


ENTRIES = {entry.name: entry for entry in fields(Run)}
AXES = tuple(name for name, entry in ENTRIES.items() if entry.metadata["axis"])
MEMBER = tuple(name for name, entry in ENTRIES.items() if entry.metadata["member"])
SHARED = tuple(name for name in ENTRIES if name not in MEMBER)
_KINDS = {entry.name: type(entry.default) for entry in fields(Run)}


def key_of(code: str, text: str) -> str:
    """Return a run's key: a hash of the version of the code and of the run's canonical text."""
    return hashlib.sha256(f"{code}:{text}".encode()).hexdigest()[:24]


def value(name: str, given: Any) -> Any:
    """Return one value of a key in its canonical kind.

    Raises:
        ValueError: an unknown key, a value of another kind, or one out of range, with the key's name.
    """
    if name not in ENTRIES:
        raise ValueError(f"grid: keys must be among {', '.join(ENTRIES)}; given {name!r}{_close(name)}")
    found = _canonical(name, given)
    wanted = ENTRIES[name].metadata["check"](found)
    if wanted:
        raise ValueError(f"grid: {name} must be {wanted}; given {given!r}")
    return found


def _canonical(name: str, given: Any) -> Any:
    given = given.item() if isinstance(given, np.generic) else given
    kind = _KINDS[name]
    if name == "batch" and given != WHOLE:
        kind = int
    if kind is bool and isinstance(given, bool):
        return given
    if kind is str and isinstance(given, str):
        return given
    if kind is tuple and isinstance(given, Sequence) and not isinstance(given, str):  # a set has no order
        return tuple(given)
    number = isinstance(given, Real) and not isinstance(given, bool)
    if kind is int and number and (isinstance(given, Integral) or float(given).is_integer()):
        return int(given)
    if kind is float and number and -sys.float_info.max <= given <= sys.float_info.max:
        return float(given)
    words = {bool: "true or false", str: "text", int: "an integer", float: "a finite number", tuple: "a list"}
    several = ", or a list of them" if ENTRIES[name].metadata["axis"] else ""
    raise ValueError(f"grid: {name} must be {words[kind]}{several}; given {given!r}")


def _close(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, ENTRIES, 1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def from_dict(plain: Mapping[str, Any]) -> Run:
    """Return the run of plain data, as `to_dict` writes it."""
    return Run(**{name: value(name, given) for name, given in plain.items()})
