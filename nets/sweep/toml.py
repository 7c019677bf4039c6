"""Read a grid from a TOML file: `name`, a table of fixed keys, a table of axes."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scalewright.nets.sweep.grid import Grid, grid

TABLES = ("name", "fixed", "axes")
#: Ways to write an axis beside a list: key -> (number of arguments, the values they make).
SPACINGS: Mapping[str, tuple[int, Callable[..., Any]]] = {
    "geomspace": (3, np.geomspace),
    "linspace": (3, np.linspace),
    "range": (2, range),
}


def read(path: Path | str) -> Grid:
    """Return the grid of a TOML file, named after the file where it names none.

    An axis is a list, or `{geomspace = [first, last, count]}`, `{linspace = [first, last, count]}` or
    `{range = [first, end]}`, the end left out.

    Raises:
        ValueError: a file that can't be read or is no TOML, and everything that `grid` refuses, with the
            offending key.
    """
    try:
        found = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} can't be read: {(error.strerror or str(error)).lower()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no TOML: {error}") from None
    for key in found:
        if key not in TABLES:
            raise ValueError(f"{path}: keys must be among {', '.join(TABLES)}; given {key!r}")
    fixed, axes = (_table(path, found, key) for key in ("fixed", "axes"))
    for key in (*fixed, *axes):
        if key == "name":
            raise ValueError(f"{path}: name stands outside the tables; given inside one")
    for key, given in fixed.items():
        if isinstance(given, list) and key != "quantities":
            raise ValueError(f"{path}: fixed.{key} must be one value (axes stand in [axes]); given {given}")
    for key in axes:
        if key in fixed:
            raise ValueError(f"{path}: {key} must be fixed or an axis; given as both")
    spread = {key: _values(f"{path}: axes.{key}", given) for key, given in axes.items()}
    name = found.get("name", Path(path).stem)
    if not isinstance(name, str):
        raise ValueError(f"{path}: name must be text; given {name!r}")
    return grid(name, **spread, **fixed)


def _table(path: Path | str, found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = found.get(key, {})
    if not isinstance(table, dict):
        raise ValueError(f"{path}: {key} must be a table, [{key}]; given {table!r}")
    return table


def _values(where: str, given: Any) -> Any:
    """Return the values of an axis as a list."""
    if isinstance(given, list):
        return given
    if isinstance(given, dict) and len(given) == 1:
        ((kind, arguments),) = given.items()
        if kind in SPACINGS and _numbers(arguments, SPACINGS[kind][0]):
            try:
                with np.errstate(all="ignore"):  # what is no number is refused by its key
                    return list(SPACINGS[kind][1](*arguments))
            except (TypeError, ValueError, MemoryError, OverflowError) as error:
                raise ValueError(f"{where}: {kind} can't be made of {arguments} ({error})") from None
    raise ValueError(
        f"{where} must be a list, {{geomspace = [first, last, count]}}, {{linspace = [first, last, count]}} "
        f"or {{range = [first, end]}}; given {given!r}"
    )


def _numbers(arguments: Any, count: int) -> bool:
    return (
        isinstance(arguments, list)
        and len(arguments) == count
        and all(isinstance(one, int | float) and not isinstance(one, bool) for one in arguments)
    )
