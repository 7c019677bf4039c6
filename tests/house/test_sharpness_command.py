"""`scalewright sharpness`: what it prints, writes, and refuses."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from scalewright import frontdoor, nets
from scalewright.cli import app
from scalewright.commands import own

MINE = """
import torch
def build():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(64, 8), torch.nn.Tanh(), torch.nn.Linear(8, 10))
def batches():
    generator = torch.Generator().manual_seed(0)
    draw = lambda *shape: torch.randn(*shape, generator=generator)
    return [(draw(n, 64), draw(n, 10)) for n in (5, 3)]
def huber():
    return torch.nn.functional.smooth_l1_loss
def number():
    return 3
def broken():
    raise KeyError("weights")
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Run every command in a folder that holds the user's file alone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(app, ["sharpness", *map(str, arguments)])


def refused(*arguments):
    outcome = call(*arguments)
    assert outcome.exit_code == frontdoor.BAD_INPUT, outcome.output
    (line,) = outcome.stderr.strip().splitlines()
    return line.removeprefix("scalewright: ")


def test_identity_json_is_what_the_library_measures(elsewhere):
    names = "hessian,gauss_newton,residual,ntk,trace,hessian_trace,directional_sharpness"
    outcome = call(
        "mine.py:build", "--samples", 32, "--quantities", names, "-k", 2, "--json", "--device", "cpu"
    )
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    found = {row["name"]: row for row in json.loads(outcome.stdout)["quantities"]}
    model = own.made_by("mine.py:build", "the model")
    batch = nets.data.load("digits", samples=32, dtype=next(model.parameters()).dtype, device="cpu")
    expected = nets.quantities(model, "mse", batch, names.split(","), k=2)
    for name, pairs in expected.items():
        values = pairs.values[0] if isinstance(pairs, nets.Eigenpairs) else pairs.values
        np.testing.assert_allclose(found[name]["values"], values, rtol=1e-6)
    assert found["hessian"]["converged"] is True
    assert 0 < found["hessian"]["certified_to"][0] < 1
    assert not list(elsewhere.glob("reports"))


def test_table_names_residual_certificate_and_edge():
    outcome = call("mine.py:build", "--data", "mine.py:batches", "--loss", "mine.py:huber", "--lr", "0.5")
    assert outcome.exit_code == 0, outcome.output
    assert "certified to" in outcome.stdout
    assert "residual" in outcome.stdout
    assert "edge of stability 4" in outcome.stdout


def test_plot_and_results_are_written(elsewhere):
    outcome = call("mine.py:build", "--samples", 16, "--plot", "--lr", "1", "--json")
    found = json.loads(outcome.stdout)
    assert found["folder"] == "reports/sharpness-001"
    folder = elsewhere / "reports" / "sharpness-001"
    assert {path.name for path in folder.iterdir()} == {
        ".scalewright", "sharpness.json", "spectrum.json", "spectrum.png"
    }  # fmt: skip
    assert (folder / "spectrum.png").read_bytes().startswith(b"\x89PNG")
    assert call("mine.py:build", "--samples", 16, "--out", "mine").exit_code == 0
    assert "exists; give another folder" in refused("mine.py:build", "--out", "mine")


def test_control_a_run_that_does_not_converge_exits_undecided():
    outcome = call("mine.py:build", "--samples", 16, "--budget", 2, "--tolerance", "1e-4")
    assert outcome.exit_code == frontdoor.UNDECIDED
    assert "not converged" in outcome.stdout
    short = call("mine.py:build", "--samples", 16, "--certify", "1e-4", "--budget", 6, "--tolerance", "0.3")
    assert "not certified" in short.stdout


def test_arrays_are_read_from_a_file(elsewhere):
    rng = np.random.default_rng(0)
    np.savez(elsewhere / "data.npz", inputs=rng.random((6, 64)), targets=rng.random((6, 10)))
    assert call("mine.py:build", "--data", "data.npz").exit_code == 0
    np.savez(elsewhere / "half.npz", inputs=rng.random((6, 64)))
    sentence = "--data: half.npz must hold arrays inputs and targets; targets is missing"
    assert refused("mine.py:build", "--data", "half.npz") == sentence


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["mine.py"], "the model must be file.py:function; given 'mine.py'"),
        (["none.py:build"], "the model: none.py must be a file; there is none"),
        (["mine.py:make"], "the model: mine.py must define a function 'make'; it defines none"),
        (["mine.py:number"], "the model: mine.py:number must return a torch.nn.Module; it returned int"),
        (["mine.py:broken"], "the model: mine.py:broken failed: KeyError: 'weights'"),
        (["mine.py:build", "--loss", "hinge"], "loss must be one of 'mse', 'cross-entropy'; given 'hinge'"),
        (["mine.py:build", "--lr", "0"], "--lr must be positive; given 0.0"),
        (["mine.py:build", "--quantities", "hesse"], "quantities: every quantity must be one of hessian, "
         "gauss_newton, residual, ntk, trace, hessian_trace, directional_sharpness; given 'hesse'"),
        (["mine.py:build", "-k", "0"], "top_eigenpairs: k must be between 1 and the dimension 610; given 0"),
        (["wrong.py:build"], "the model: wrong.py can't be run: SyntaxError: invalid syntax (wrong.py, line "
         "1)"),
    ],
)  # fmt: skip
def test_bad_value_is_one_sentence(arguments, sentence, elsewhere):
    (elsewhere / "wrong.py").write_text("def")
    assert refused(*arguments) == sentence
    assert not list(elsewhere.glob("reports"))
