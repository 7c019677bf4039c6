"""Read a model or data of the user's own: `file.py:name`, run as a module, its function called."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def made_by(place: str, what: str) -> Any:
    """Return what the function that `place` = "file.py:name" names returns, called without arguments.

    Raises:
        ValueError: no such file, a file that can't be run, no such function, or one that fails.
    """
    function = named_by(place, what)
    try:
        return function()
    except Exception as error:
        raise ValueError(f"{what}: {place} failed: {type(error).__name__}: {error}") from error


def named_by(place: str, what: str) -> Callable[..., Any]:
    """Return the function that `place` = "file.py:name" names.

    Raises:
        ValueError: no such file, a file that can't be run, or no such function.
    """
    path, colon, name = place.rpartition(":")
    if not colon or not path.endswith(".py") or not name.isidentifier():
        raise ValueError(f"{what} must be file.py:function; given {place!r}")
    if not Path(path).is_file():
        raise ValueError(f"{what}: {path} must be a file; there is none")
    function: Any = getattr(_module(Path(path), what), name, None)
    if not callable(function):
        raise ValueError(f"{what}: {path} must define a function {name!r}; it defines none")
    return function


def _module(path: Path, what: str) -> Any:
    key = f"scalewright_own_{path.stem}"
    spec = importlib.util.spec_from_file_location(key, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{what}: {path} can't be read as a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[key] = module
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"{what}: {path} can't be run: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(folder)
    return module


def data_of(place: str, samples: int | None, targets: str, dtype: Any, device: str) -> Any:
    """Return data: the name of a data set, `file.py:function`, or an .npz file with inputs and targets.

    Raises:
        ValueError: neither of them, or a file without these arrays.
    """
    if ":" in place:
        return made_by(place, "--data")
    if place.endswith(".npz"):
        return _arrays(Path(place), samples, device)
    from scalewright.nets import data

    return data.load(place, samples=samples, targets=targets, dtype=dtype, device=device)  # type: ignore[arg-type]


def _arrays(path: Path, samples: int | None, device: str) -> Any:
    import numpy as np
    import torch

    with np.load(path) as found:
        missing = [name for name in ("inputs", "targets") if name not in found]
        if missing:
            raise ValueError(f"--data: {path} must hold arrays inputs and targets; {missing[0]} is missing")
        arrays = [torch.from_numpy(found[name][:samples]).to(device) for name in ("inputs", "targets")]
    return arrays[0], arrays[1]
