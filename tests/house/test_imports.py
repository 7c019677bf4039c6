"""The arrows between the rooms, read from the imports; every rule beside a source text that breaks it."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("theory", "sim", "nets", "papers")
#: From the ground up; whatever is in no room belongs to the front door.
LEVELS = {**{f"scalewright.{room}": level for level, room in enumerate(ROOMS)}, "scalewright": len(ROOMS)}
FORBIDDEN = {"theory": ("torch", "jax", "xarray"), "sim": ("torch",), "nets": (), "papers": ()}
PAGES = ("rich", "typer", "click", "tqdm", "jinja2")
NETS_OF_SIM = tuple(
    f"scalewright.sim.{name}"
    for name in ("data", "streams", "text", "fit", "rates", "dataset", "store", "provenance", "pool")
)


def modules(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imported(tree: ast.AST) -> list[str]:
    """Return the dotted names that a module imports, at any depth, `from a import b` as a.b."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            found += [f"{start}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in (
            "import_module",
            "__import__",
        ):
            found.append(_beginning(node.args[0]))
    return found


def _beginning(argument: ast.expr) -> str:
    """Return what is known of a name that is imported at run time: a text, or how an f-string begins."""
    if isinstance(argument, ast.JoinedStr):
        argument = argument.values[0]
    return str(argument.value) if isinstance(argument, ast.Constant) else "unknown"


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def level(name: str) -> int:
    return next((LEVELS[package] for package in LEVELS if within(name, package)), -1)


def violations(source: str, room: str) -> list[str]:
    """Say how a module of a room breaks the rules of the house."""
    tree = ast.parse(source)
    found = []
    for name in imported(tree):
        if name.startswith(".") or name == "unknown":
            found.append(f"{name}: say the full name")
        if within(name, "scalewright") and name != "scalewright.__version__" and level(name) > _own(room):
            found.append(f"{name}: an arrow upwards")
        if any(within(name, package) for package in (*FORBIDDEN[room], *ROOMS)):
            found.append(f"{name}: not for {room}")
        if any(within(name, package) for package in PAGES):
            found.append(f"{name}: only the front door renders")
        if room == "nets" and within(name, "scalewright.sim"):
            found += [] if any(within(name, allowed) for allowed in NETS_OF_SIM) else [f"{name}: predicts"]
    return found + printed(tree)


def _own(room: str) -> int:
    return LEVELS[f"scalewright.{room}"]


def printed(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            found.append(f"line {node.lineno}: print")
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.stdout", "sys.stderr"):
            found.append(f"line {node.lineno}: writes to a standard stream")
    return found


def run(script: str, *, folder: Path, options: tuple[str, ...] = ("-c",)) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, *options, script]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, check=False, timeout=50
    )


@pytest.mark.parametrize("room", ROOMS)
def test_identity_every_module_keeps_the_arrows(room):
    paths = modules(room)
    assert paths, f"no module found in {room}"
    broken = {str(p.relative_to(ROOT)): violations(p.read_text(encoding="utf-8"), room) for p in paths}
    assert {path: found for path, found in broken.items() if found} == {}


@pytest.mark.parametrize(
    ("room", "source", "said"),
    [
        ("theory", "import torch", "not for theory"),
        ("theory", "def f():\n    from jax import numpy", "not for theory"),
        ("theory", "from xarray import Dataset", "not for theory"),
        ("theory", "from scalewright.sim import fit", "arrow upwards"),
        ("theory", "import scalewright.nets.models", "arrow upwards"),
        ("theory", "from scalewright import papers", "arrow upwards"),
        ("sim", "from torch.nn import Linear", "not for sim"),
        ("sim", "from scalewright.nets import models", "arrow upwards"),
        ("sim", "from scalewright.papers.claim import Claim", "arrow upwards"),
        ("nets", "from scalewright.sim import linear", "predicts"),
        ("nets", "import scalewright.sim.linear.state", "predicts"),
        ("nets", "from scalewright import sim", "predicts"),
        ("nets", "from scalewright.sim.dataset_of_mine import x", "predicts"),
        ("nets", "from scalewright.papers import claims", "arrow upwards"),
        ("papers", "from scalewright.frontdoor import show", "arrow upwards"),
        ("papers", "from scalewright.report import Page", "arrow upwards"),
        ("papers", "from scalewright import cli", "arrow upwards"),
        ("papers", "importlib.import_module(f'scalewright.commands.{name}')", "arrow upwards"),
        ("papers", "from importlib import import_module\nimport_module(name)", "full name"),
        ("papers", "from rich.console import Console", "only the front door renders"),
        ("sim", "import typer", "only the front door renders"),
        ("nets", "from tqdm import tqdm", "only the front door renders"),
        ("papers", "import jinja2", "only the front door renders"),
        ("sim", "print('done')", "print"),
        ("nets", "import sys\nsys.stdout.write('done')", "standard stream"),
        ("sim", "from .fit import slope", "full name"),
        ("sim", "from theory import derive", "not for sim"),
    ],
)
def test_control_a_module_that_breaks_a_rule_is_caught(room, source, said):
    assert any(said in found for found in violations(source, room))


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("theory", "from scalewright.theory.power import Power\nimport sympy"),
        ("sim", "from scalewright.theory import named\nimport xarray"),
        ("nets", "import torch\nfrom scalewright.sim.data import load\nfrom scalewright.sim import fit"),
        ("papers", "from scalewright import __version__, nets\nfrom scalewright.sim import linear"),
        ("sim", "fingerprint(x)  # print(x)"),
    ],
)
def test_control_a_module_that_keeps_the_rules_passes(room, source):
    assert violations(source, room) == []


@pytest.mark.parametrize("room", ROOMS)
def test_bare_name_is_unknown_outside_the_tree(room, tmp_path):
    outcome = run(f"import {room}", folder=tmp_path)
    assert outcome.returncode == 1
    assert f"ModuleNotFoundError: No module named '{room}'" in outcome.stderr


@pytest.mark.parametrize("room", ROOMS)
def test_bare_name_is_refused_in_the_tree(room):
    outcome = run(f"import {room}", folder=ROOT)
    assert outcome.returncode == 1
    said = f"this folder is a room of the scalewright package: import it as scalewright.{room}"
    assert outcome.stderr.splitlines()[-1] == f"ImportError: {said}"


LOADED = "import sys; print([name for name in {!r} if name in sys.modules])"


def test_importing_theory_is_light(tmp_path):
    heavy = ("torch", "jax", "scipy.optimize", "matplotlib")
    outcome = run("import scalewright.theory; " + LOADED.format(heavy), folder=tmp_path)
    assert outcome.stdout.strip() == "[]", outcome.stderr
    control = run("import scalewright.theory, scipy.optimize; " + LOADED.format(heavy), folder=tmp_path)
    assert control.stdout.strip() == "['scipy.optimize']", control.stderr


def test_help_is_light(tmp_path):
    script = (
        "import sys\nfrom scalewright.cli import app\ntry:\n    app(['--help'])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
    )
    outcome = run(script + LOADED.format(("torch", "jax", "typer")), folder=tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    assert "derive" in outcome.stdout
    assert outcome.stdout.splitlines()[-1] == "['typer']"


def test_module_is_the_command(tmp_path):
    outcome = run("scalewright", folder=tmp_path, options=("-m",))
    assert "Usage" in outcome.stdout + outcome.stderr
