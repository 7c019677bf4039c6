"""Two hash seeds give the same bytes: derived tables, predicted and trained trajectories."""

import os
import subprocess
import sys

DERIVED = """
import sys
from scalewright.cli import app
for optimizer in ("sgd", "adam"):
    try:
        app(["derive", "--json", "--layers", "4", "--bias", "--optimizer", optimizer])
    except SystemExit as end:
        assert end.code == 0
"""
TRAJECTORIES = """
import hashlib
from scalewright.papers.super_consistency import linear_networks, relu_networks, settings
from dataclasses import replace
scale = replace(
    settings.SCALES["smoke"], samples=32, linear_widths=(16, 32), linear_seeds=2, linear_steps=3,
    mlp_widths=(8, 16), mlp_steps=3, spectra_seeds=1, followed_seeds=1, draw_widths=(64, 256), draws=2,
)
for found in (
    linear_networks.agreement(scale, "mup", device="cpu"),
    linear_networks.draws(scale, "ntp"),
    relu_networks.consistency(scale, "mup", device="cpu"),
):
    for name in found.data_vars:
        print(name, found[name].dims, hashlib.sha256(found[name].values.tobytes()).hexdigest())
"""
SET_ORDER = "print({'width', 'depth', 'inputs', 'outputs', 'gamma', 'samples', 'steps', 'seed'})"


def outputs(script: str) -> list[str]:
    """Return what a script prints under two hash seeds."""
    printed = []
    for seed in ("1", "2"):
        outcome = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=25,
            env=os.environ | {"PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert outcome.returncode == 0, outcome.stderr
        printed.append(outcome.stdout)
    return printed


def test_derived_tables_do_not_depend_on_the_hash_seed():
    first, second = outputs(DERIVED)
    assert '"readout.bias"' in first
    assert first == second


def test_trajectories_do_not_depend_on_the_hash_seed():
    first, second = outputs(TRAJECTORIES)
    assert first.count("sharpness (") == 3
    assert first == second


def test_control_the_hash_seeds_differ():
    """The order of a set shows it: had a trajectory followed one, the two outputs would differ."""
    first, second = outputs(SET_ORDER)
    assert first != second
