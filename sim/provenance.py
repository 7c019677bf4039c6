"""Say which code and which machine made a result: what a stored number is worth."""

import hashlib
import importlib.metadata
import os
import platform
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from scalewright.sim.closure import body, closure, packages

LIBRARIES = ("numpy", "scipy", "sympy", "networkx", "torch", "xarray", "scikit-learn", "matplotlib", "jax")
#: What no number depends on: the writing down of the version, and the names of what is written.
BOOKKEEPING = {
    "scalewright.sim.provenance",
    "scalewright.sim.closure",
    "scalewright.theory.observables",
}


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
    """Return a hash of the code of this package that `module` depends on, directly or not.

    Comments and docstrings do not count: a result is stale when code that made it may do something else.
    """
    digest = hashlib.sha256()
    found = closure(module) - BOOKKEEPING
    above = packages(found)
    for name in sorted(found | above):
        digest.update(name.encode() + body(name, passing=name in above))
    return digest.hexdigest()[:16]


def command_line() -> str:
    """Return the command that is running, as one would type it."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
