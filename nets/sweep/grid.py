"""A grid of runs: some keys fixed, the others axes, every combination once."""

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from scalewright.nets.sweep.specification import AXES, ENTRIES, WHOLE, Run, key_of, value
from scalewright.nets.sweep.validity import check_run
from scalewright.sim.store.sweeps import check_name


@dataclass(frozen=True)
class Grid:
    """Every combination of the axes' values, the last axis running fastest.

    Attributes:
        axes: key -> its values, in order. fixed: key -> its value, where it is not the default.
        name: under which a store remembers the grid; None for one that it doesn't.
    """

    axes: Mapping[str, tuple[Any, ...]]
    fixed: Mapping[str, Any]
    name: str | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(len(values) for values in self.axes.values())

    @property
    def size(self) -> int:
        """Number of runs."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __iter__(self) -> Iterator[Run]:
        """Yield the runs in order."""
        for values in itertools.product(*self.axes.values()):
            yield Run(**self.fixed, **dict(zip(self.axes, values, strict=True)))

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """All runs in order."""
        return tuple(self)

    def keys(self, code: str) -> tuple[str, ...]:
        """Return the keys of all runs in order, for a version of the code: those of `Run.key`."""
        first = next(iter(self)).to_dict()
        # each value is written once, and not once for every run that has it
        texts = [
            [f"{json.dumps(key)}:{json.dumps(one)}" for one in self.axes.get(key, (first[key],))]
            for key in sorted(first)
        ]
        place = {key: index for index, key in enumerate(sorted(first))}
        chosen = [texts[place[key]] for key in self.axes]
        row = [parts[0] for parts in texts]
        found = []
        for values in itertools.product(*chosen):
            for key, text in zip(self.axes, values, strict=True):
                row[place[key]] = text
            found.append(key_of(code, f"{{{','.join(row)}}}"))
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON: what a store compares when the name is used again."""
        fixed = {key: list(v) if isinstance(v, tuple) else v for key, v in self.fixed.items()}
        return {"axes": {axis: list(values) for axis, values in self.axes.items()}, "fixed": fixed}


def grid(name: str | None = None, **keys: Any) -> Grid:
    """Return the grid of all combinations: a list of values makes a key an axis, one value fixes it.

    Args:
        name: under which a store remembers the grid and refuses another one.
        keys: of `Run`, in the order of the axes; `quantities` is a list and no axis.

    Raises:
        ValueError: an unknown key, a value of another kind or out of range, an axis that is empty or has a
            value twice, a key that can't be an axis, or combinations that can't be trained.

    >>> grid(width=[64, 128], lr=np.geomspace(1e-3, 10, 5), seed=range(4)).size
    40
    """
    if name is not None and not isinstance(name, str):
        raise ValueError(f"grid: name must be text, and keys be given by name; given {name!r}")
    if name is not None:
        check_name(name)
    axes: dict[str, tuple[Any, ...]] = {}
    fixed: dict[str, Any] = {}
    for key, given in keys.items():
        if key == "quantities" or not _is_axis(given):
            fixed[key] = value(key, given)
            continue
        axes[key] = _axis(key, given)
    found = Grid(axes, {key: one for key, one in fixed.items() if one != ENTRIES[key].default}, name)
    _check_corners(found)
    return found


def _is_axis(given: Any) -> bool:
    return (
        isinstance(given, Sequence | range | np.ndarray) and not isinstance(given, str) and np.ndim(given) > 0
    )


def _axis(key: str, given: Any) -> tuple[Any, ...]:
    values = tuple(value(key, one) for one in given)
    if key not in AXES:
        raise ValueError(
            f"grid: {key} can't be an axis ({', '.join(AXES)} can): give one value, or make two grids"
        )
    if not values:
        raise ValueError(f"grid: axis {key} must have at least one value; given none")
    if key == "batch" and WHOLE in values and len(values) > 1:
        raise ValueError(
            "grid: axis batch must be all numbers; given 'whole' among them: give the number of samples "
            "instead"
        )
    if len(set(values)) < len(values):
        twice = next(one for one in values if values.count(one) > 1)
        raise ValueError(f"grid: axis {key} must have each value once; given {twice!r} more often")
    return values


def _check_corners(found: Grid) -> None:
    """Check one run of every combination of the keys that decide what can be trained, gamma at its ends."""
    deciding = [axis for axis in found.axes if not ENTRIES[axis].metadata["member"]]
    optimizers = found.axes.get("optimizer", ())
    if "flow" in optimizers and len(optimizers) > 1:
        raise ValueError("grid: optimizer 'flow' counts in time and the others in steps: make two grids")
    flow = "flow" in (*optimizers, found.fixed.get("optimizer"))
    if flow and len(found.axes.get("lr", ())) > 1:
        raise ValueError("grid: lr does not count in the gradient flow, whose time is `horizon`: fix it")
    first = {axis: values[0] for axis, values in found.axes.items()}
    gammas = found.axes.get("gamma", (None,))
    for values in itertools.product(*(found.axes[axis] for axis in deciding)):
        for gamma in {min(gammas), max(gammas)} if gammas != (None,) else {None}:
            chosen = {**first, **dict(zip(deciding, values, strict=True))}
            check_run(Run(**found.fixed, **(chosen if gamma is None else {**chosen, "gamma": gamma})))
