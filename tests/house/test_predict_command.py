"""`scalewright predict`: what it prints, writes, and refuses."""

import json

import pytest
import xarray as xr
from typer.testing import CliRunner

from scalewright import frontdoor
from scalewright.cli import app


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(app, ["predict", *map(str, arguments)])


def test_identity_it_writes_the_trajectory_and_a_picture(elsewhere):
    outcome = call("--samples", 4, "--steps", 5, "--gamma", "0.5,2", "--json")
    assert outcome.exit_code == frontdoor.PASS, outcome.output
    record = json.loads(outcome.stdout)
    assert record["status"] == "exact"
    assert [row["gamma"] for row in record["gammas"]] == [0.5, 2.0]
    folder = elsewhere / "reports" / "predict-001"
    with xr.open_dataset(folder / "trajectory.nc", engine="h5netcdf") as found:
        assert found.gamma.values.tolist() == [0.5, 2.0]
        assert float(found.loss[1, -1]) == pytest.approx(record["gammas"][1]["loss"][1])
    assert (folder / "prediction.png").read_bytes()[:4] == b"\x89PNG"
    assert json.loads((folder / "prediction.json").read_text())["lr"] == record["lr"]


@pytest.mark.slow
def test_oracle_trained_networks_are_laid_under_the_prediction(elsewhere):
    """Wider networks are closer, and those of width 256 within 20 %."""
    outcome = call(
        "--samples", 4, "--steps", 6, "--gamma", "2", "--measure", "--widths", "16,256", "--seeds", 6,
        "--out", "x",
    )  # fmt: skip
    assert outcome.exit_code == frontdoor.PASS, outcome.output
    record = json.loads((elsewhere / "x" / "prediction.json").read_text())
    found = record["gammas"][0]["networks"]
    assert [row["quantity"] for row in found] == ["loss", "gauss_newton"]
    for row in found:
        assert row["errors"][1] < row["errors"][0]
        assert row["errors"][1] < 0.2
        assert row["interval"][0] < -0.5 < row["interval"][1]
    assert (elsewhere / "x" / "networks-gamma2-width256.nc").is_file()


def test_control_a_rate_beyond_the_edge_fails():
    gone = call("--samples", 4, "--steps", 30, "--gamma", "2", "--lr", 50)
    assert gone.exit_code == frontdoor.FAIL
    assert "diverged at step" in gone.output


@pytest.mark.slow
def test_control_draws_too_few_are_undecided():
    few = call("--samples", 2, "--steps", 3, "--activation", "tanh", "--draws", 64, "--accuracy", 0.001)
    assert few.exit_code == frontdoor.UNDECIDED
    assert "above accuracy=0.001" in few.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--gamma", "a"], "--gamma must be numbers with commas between; given 'a'"),
        (["--hidden-layers", "two"], "--hidden-layers must be an integer or inf; given 'two'"),
        (["--targets", "rows"], "--targets must be classes or parity; given 'rows'"),
        (["--loss", "cross-entropy"], "--loss cross-entropy needs --targets classes"),
        (["--activation", "sine"], "activation must be one of 'linear', 'tanh'"),
        (["--measure", "--activation", "erf"], "--measure knows the activations"),
        (["--measure", "--dynamics", "flow"], "--measure trains perceptrons by gradient descent"),
        (["--measure", "--seeds", "1"], "--measure needs at least 2 --seeds and 2 --widths"),
        (["--residual", "1"], "--lr must be given with --residual"),
        (["--hidden-layers", "inf", "--lr", "0.1"], "hidden_layers=inf needs residual=beta_0"),
        (["--activation", "tanh", "--targets", "classes", "--steps", "500"], "GiB, more than memory="),
    ],
)
def test_control_bad_input_gets_one_sentence(arguments, said):
    outcome = call("--samples", 8, *arguments)
    assert outcome.exit_code == frontdoor.BAD_INPUT
    assert said in outcome.stderr
    assert len(outcome.stderr.strip().splitlines()) == 1
