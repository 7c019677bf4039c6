"""`scalewright portrait`: what it prints, writes, and refuses."""

import json

import pytest
import xarray as xr
from typer.testing import CliRunner

from scalewright import frontdoor
from scalewright.cli import app

SMALL = ("--gamma", "1e-2:1e2:9", "--steps", 200)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(app, ["portrait", *map(str, arguments)])


def test_identity_it_writes_grid_picture_and_record(elsewhere):
    outcome = call("--layers", 3, "--loss", "ce", *SMALL, "--json")
    assert outcome.exit_code == frontdoor.PASS, outcome.output
    record = json.loads(outcome.stdout)
    assert record["status"] == "mapped"
    assert [row["name"] for row in record["boundaries"]] == ["eta_min", "eta_crit", "eta_max", "eta_div"]
    assert record["boundaries"][1]["exponents"] == ["2", "2/3"]
    assert sum(record["shares"].values()) == pytest.approx(1)
    assert {row["status"] for row in record["optimum"]} == {"held"}
    folder = elsewhere / "reports" / "portrait-001"
    with xr.open_dataset(folder / "portrait.nc", engine="h5netcdf") as found:
        assert found.regime.dims == ("gamma", "eta")
        assert found.attrs["loss"] == "cross-entropy"
    assert (folder / "portrait.png").read_bytes()[:4] == b"\x89PNG"
    assert json.loads((folder / "portrait.json").read_text())["shares"] == record["shares"]


def test_identity_it_prints_powers_derived_and_measured():
    outcome = call("--layers", 3, "--gamma", "1e3:1e5:3", "--steps", 2000)
    assert outcome.exit_code == frontdoor.PASS, outcome.output
    assert "eta_crit [exact]: powers 2, 2/3" in outcome.output
    assert "    gamma >> 1: 0.66667*gamma**(2/3)" in outcome.output
    assert "eta_max  gamma 1000 to 100000: derived 0.6667, 0.6669 by the formula" in outcome.output
    assert "fastest rate: held by the grid at 3 of 3 gammas" in outcome.output


def test_identity_the_logistic_loss_has_no_upper_edge():
    outcome = call("--loss", "logistic", *SMALL)
    assert "eta_max: none (the pull is positive at every output" in outcome.output
    assert "censored at" in outcome.output


def test_a_grid_without_a_stable_cell_says_so_and_reports_no_optimum():
    outcome = call(*SMALL, "--eta", "1e3:1e6:5")
    assert outcome.exit_code == frontdoor.BAD_INPUT
    assert "no optimum" in outcome.stdout
    assert (
        "scalewright: no cell of the grid converges within 200 steps (0 too slow, 45 unstable), so that it "
        "has no optimum: lower the rates"
    ) in outcome.stderr


def test_an_optimum_at_the_edge_of_the_grid_is_censored():
    outcome = call("--gamma", "0.5:1:2", "--eta", "1e-4:5e-2:20")
    assert outcome.exit_code == frontdoor.PASS
    assert "held by the grid at 0 of 2 gammas, censored at 2 (its grid's edge), none at 0" in outcome.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--gamma", "-1"), "--gamma must be FIRST:LAST:COUNT with 0 < FIRST < LAST and 2 <= COUNT"),
        (("--gamma", "1"), "COUNT <= 100000; given '1'"),
        (("--gamma", "0:1:5"), "given '0:1:5'"),
        (("--gamma", "1:10:1000000000"), "2 <= COUNT <= 100000"),
        (("--gamma", "1e-16:1e-13:4"), "centring cancels the digits of the output in float64"),
        (("--eta", "1:2"), "--eta must be FIRST:LAST:COUNT"),
        (("--eta", "wide"), "given 'wide'"),
        (("--layers", 1), "layers must be an integer of at least 2; given 1"),
        (("--loss", "hinge"), "loss must be one of 'squared', 'cross-entropy', 'logistic'; given 'hinge'"),
        (("--optimizer", "lion"), "optimizer must be one of sgd, momentum, sign, adam; given 'lion'"),
        (("--model", "deep"), "--model must be balanced or wide; given 'deep'"),
        (("--model", "wide"), "model 'wide' is exact for layers=2"),
        (("--steps", 0), "steps must be an integer of at least 1; given 0"),
        (("--error", 0.7), "error must be a number between 0 and 1/2; given 0.7"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(arguments, said, elsewhere):
    outcome = call(*arguments)
    assert outcome.exit_code == frontdoor.BAD_INPUT
    assert said in " ".join(outcome.stderr.split())
    assert not (elsewhere / "reports").exists()
