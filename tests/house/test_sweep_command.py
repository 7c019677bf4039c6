"""`scalewright sweep`: trains a grid from a file, tells what a store holds, refuses in one sentence."""

import json
import signal

import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner

from scalewright import frontdoor
from scalewright.cli import app

GRID = """
name = "rates"
[fixed]
activation = "linear"
width = 8
samples = 8
steps = 4
points = 3
quantities = ["feature_change"]
[axes]
lr = [0.1, 1e4]
seed = {range = [0, 3]}
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Run every command in an empty folder that holds one grid."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.toml").write_text(GRID)
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(app, ["sweep", *map(str, arguments)])


def refused(*arguments):
    outcome = call(*arguments)
    assert outcome.exit_code == frontdoor.BAD_INPUT, outcome.output
    assert outcome.stderr.count("\n") == 1, outcome.stderr
    return outcome.stderr.strip().removeprefix("scalewright: ")


def test_identity_a_grid_is_trained_once_and_told_about(elsewhere):
    """Identity: the store that the command fills is the one that status, show and export read."""
    outcome = call("grid.toml", "--json")
    assert outcome.exit_code == 0, outcome.output
    found = json.loads(outcome.stdout)
    assert (found["runs"], found["stored"], found["diverged"], found["failed"]) == (6, 6, 3, "")
    assert "6 of 6 runs are in runs, 3 of them diverged" in call("grid.toml").stdout
    status = json.loads(call("status", "--json").stdout)
    assert (status["runs"], status["sweeps"]) == (6, {"rates": [6, 6, 3]})
    assert "rates: 6 of 6 runs, 3 diverged" in call("status").stdout
    assert json.loads(call("show", "rates").stdout)["axes"]["seed"] == [0, 1, 2]
    call("export", "rates", "--to", "rates.nc")
    call("export", "rates", "--to", "rates.csv")
    with xr.open_dataset(elsewhere / "rates.nc", engine="h5netcdf") as data:
        table = pd.read_csv(elsewhere / "rates.csv")
        assert table.loss.iloc[1] == pytest.approx(float(data.loss[0, 0, 1]))
        assert len(table) == data.loss.size
        assert data.feature_change.dims == ("lr", "seed", "step", "layer")
    assert json.loads(call("prune", "--json").stdout) == {"files": 0, "runs": 0, "deleted": True}
    (elsewhere / "runs" / "sweeps" / "rates.json").unlink()
    assert call("prune", "--dry-run").stdout == "Would delete 1 files with 6 runs.\n"
    assert json.loads(call("prune", "--json").stdout) == {"files": 1, "runs": 6, "deleted": True}


def test_identity_show_finds_a_run_by_the_beginning_of_its_key(elsewhere):
    """Identity: what made the run, how it ended, and on what."""
    call("grid.toml")
    record = json.loads((elsewhere / "runs" / "sweeps" / "rates.json").read_text())
    shown = json.loads(call("show", record["keys"][4][:10]).stdout)
    assert (shown["specification"]["lr"], shown["specification"]["seed"]) == (1e4, 1)
    assert shown["diverged_at"] > 0
    assert {"numpy", "torch", "host", "code", "time", "data_sha256"} <= set(shown["provenance"])


def test_property_a_dry_run_trains_nothing(elsewhere):
    """Property: shapes, operations, memory, time; no store is made."""
    outcome = call("grid.toml", "--dry-run")
    assert outcome.exit_code == 0, outcome.output
    assert "6 runs in 1 blocks, 0 of them stored already" in outcome.stdout
    (row,) = json.loads(call("grid.toml", "--dry-run", "--json").stdout)["cost"]
    weights = 64 * 8 + 8 * 8 + 8 * 10
    assert row["parameters"] == weights
    # each weight: 2 operations forward, 4 backward, of them 2 for gradients in inputs, which data don't need
    assert row["operations"] == 6 * 5 * 8 * (6 * weights - 2 * 64 * 8)
    assert row["seconds"] > 0
    assert not (elsewhere / "runs").exists()


def test_property_ctrl_c_stops_cleanly_and_says_how_to_go_on(monkeypatch):
    """Property: status 130, a sentence, and the same command goes on."""
    from scalewright.nets.sweep.executors import Local

    honest = Local.submit

    def interrupt(self, function, /, *args):
        signal.raise_signal(signal.SIGINT)
        return honest(self, function, *args)

    monkeypatch.setattr(Local, "submit", interrupt)
    outcome = call("grid.toml")
    assert outcome.exit_code == frontdoor.INTERRUPTED
    assert "What is finished is in runs: the same command goes on." in outcome.stderr
    monkeypatch.setattr(Local, "submit", honest)
    assert call("grid.toml").exit_code == 0


def test_control_failed_runs_exit_with_1(monkeypatch):
    """Control: a block that fails is told on stderr."""
    monkeypatch.setattr("scalewright.nets.sweep.execute.train", lambda planned: 1 / 0)
    outcome = call("grid.toml")
    assert outcome.exit_code == frontdoor.FAIL
    assert "6 of 6 runs failed" in outcome.stderr
    assert "ZeroDivisionError" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("grd",), "sweep takes a file GRID.toml or one of status, show, export, prune; given 'grd'"),
        (("none.toml",), "none.toml can't be read: no such file or directory"),
        (("status",), "store runs does not exist; `scalewright sweep GRID.toml` makes one"),
        (
            ("grid.toml", "--executor", "clowd"),
            "executor must be one of local, processes, dask, slurm",
        ),
    ],
)
def test_bad_input(arguments, sentence):
    """Property: one sentence."""
    assert refused(*arguments).startswith(sentence)


def test_bad_input_names_the_offending_key(elsewhere):
    """Property: an unknown key, a changed grid, a store of another schema, a folder of other things."""
    (elsewhere / "grid.toml").write_text(GRID.replace("samples", "sampels"))
    assert "given 'sampels' (did you mean 'samples'?)" in refused("grid.toml")
    (elsewhere / "grid.toml").write_text(GRID)
    call("grid.toml")
    (elsewhere / "grid.toml").write_text(GRID.replace("steps = 4", "steps = 5"))
    assert refused("grid.toml").endswith(
        "with another grid: steps was 4 and is 5; give the new grid another name"
    )
    (elsewhere / "runs" / "scalewright-store.json").write_text('{"schema": 99}')
    assert "store runs has schema 99, and this version reads 1" in refused("status")
    (elsewhere / "other").mkdir()
    (elsewhere / "other" / "thesis.tex").write_text("x")
    assert "is a folder of other things" in refused("grid.toml", "--store", "other")
    assert (elsewhere / "other" / "thesis.tex").read_text() == "x"
