"""What a store remembers of a named sweep: its grid, and the keys of its runs."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scalewright.sim.store.block import SCHEMA

NAME = re.compile(r"[\w.-]{1,100}")


@dataclass(frozen=True)
class Sweep:
    """A named sweep: `grid` in plain data, and `keys` in the order of its runs."""

    name: str
    grid: Mapping[str, Any]
    keys: tuple[str, ...]

    def to_json(self) -> str:
        """Return the record as JSON."""
        return json.dumps({"schema": SCHEMA, "name": self.name, "grid": self.grid, "keys": self.keys})


def check_name(name: str) -> None:
    """Raise ValueError unless a sweep can be stored under this name."""
    if not NAME.fullmatch(name) or name.startswith("."):
        raise ValueError(
            f"sweep: name must be up to 100 letters, digits, dots, dashes and underscores; given {name!r}"
        )


def read(path: Path) -> Sweep:
    """Return the sweep of a file.

    Raises:
        ValueError: a file that is none, with its name.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Sweep(found["name"], found["grid"], tuple(found["keys"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is no record of a sweep ({error}); delete it and run the sweep again"
        ) from None


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Say how a grid differs from the one stored under its name; "" if it is the same or only wider.

    Wider: the same fixed values and the same axes in the same order, each with all of its old values.
    """
    for key in sorted(set(old["fixed"]) | set(new["fixed"])):
        before, after = (_said(grid, key) for grid in (old, new))
        if before != after:
            return f"{key} was {before} and is {after}"
    if list(old["axes"]) != list(new["axes"]):
        return f"the axes were {', '.join(old['axes'])} and are {', '.join(new['axes'])}"
    for axis, values in old["axes"].items():
        lost = [value for value in values if value not in new["axes"][axis]]
        if lost:
            return f"{axis} no longer has {lost[0]!r}"
    return ""


def _said(grid: Mapping[str, Any], key: str) -> str:
    """Return what a grid makes of a key, in words."""
    if key in grid["fixed"]:
        return repr(grid["fixed"][key])
    return "an axis" if key in grid["axes"] else "the default"
