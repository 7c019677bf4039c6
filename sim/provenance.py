"""Say which code and which machine made a result: what a stored number is worth."""

import ast
import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

LIBRARIES = ("numpy", "scipy", "sympy", "networkx", "torch", "xarray", "scikit-learn", "matplotlib")


def environment(device: str = "cpu") -> dict[str, str]:
    """Return versions, platform, device and time of a run."""
    from scalewright import __version__

    versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {
        "scalewright": __version__,
        "python": platform.python_version(),
        **versions,
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        "device": device,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


@cache
def code_version(module: str) -> str:
    """Return a hash of everything of this package that `module` imports, directly or not.

    Comments and docstrings do not count: a result is stale when code that made it may do something else.
    """
    digest = hashlib.sha256()
    for name in sorted(_closure(module)):
        digest.update(name.encode() + _body(name))
    return digest.hexdigest()[:16]


def _closure(module: str) -> set[str]:
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen or not _is_module(name):
            continue
        seen.add(name)
        waiting += [name.rpartition(".")[0], *_imports(name)]
    return seen - {"scalewright", "scalewright.sim.provenance"}


def _imports(name: str) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(_source(name))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in found if name.startswith("scalewright.")]


def _is_module(name: str) -> bool:
    if not name.startswith("scalewright."):
        return False
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return False
    return spec is not None and spec.origin is not None


def _source(name: str) -> str:
    spec = importlib.util.find_spec(name)
    assert spec is not None, name
    return Path(str(spec.origin)).read_text(encoding="utf-8")


def _body(name: str) -> bytes:
    tree = ast.parse(_source(name))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:]
    return ast.dump(tree).encode()


def command_line() -> str:
    """Return the command that is running, as one would type it."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
