"""The room imports lightly, only under its full name, and answers the same under every hash seed."""

import os
import subprocess
import sys
from pathlib import Path

import scalewright.theory

ROOM = Path(scalewright.theory.__file__).parent
SCRIPT = """
from scalewright import theory as th
for optimizer in ("sgd", "adamw"):
    for name in ("sp", "ntp", "mup"):
        p = th.named(th.mlp(4, bias=True), name, optimizer)
        print(p.to_markdown(), p.to_json(), p.explain("hidden.0.weight", "lr"))
"""


def run(script: str, seed: str = "0", folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh interpreter with the given hash seed."""
    environment = os.environ | {"PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", script]
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder, check=False)


def test_import_is_light() -> None:
    heavy = ["scipy.optimize", "torch", "jax", "matplotlib", "xarray", "hypothesis", "sympy"]
    script = "import sys, scalewright.theory; print([m for m in {!r} if m in sys.modules])"
    assert run(script.format(heavy)).stdout.strip() == "[]"
    # Control: the same question about a module that is imported.
    assert run(script.format(["networkx"])).stdout.strip() == "['networkx']"


def test_the_bare_name_is_refused() -> None:
    outcome = run("import theory", folder=ROOM.parent)
    assert outcome.returncode == 1
    assert "import it as scalewright.theory" in outcome.stderr


def test_two_hash_seeds_give_the_same_tables_and_proofs() -> None:
    first, second = run(SCRIPT, seed="1"), run(SCRIPT, seed="2")
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert "n^-1/2" in first.stdout
