"""`scalewright coordinate-check`: what it prints, writes, and refuses."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from scalewright import frontdoor, nets
from scalewright.cli import app
from scalewright.commands import own

MINE = """
import torch
def build(width):
    return torch.nn.Sequential(torch.nn.Linear(64, width), torch.nn.ReLU(), torch.nn.Linear(width, 10))
def scaled(model, width):
    return torch.optim.SGD(model.parameters(), lr=1 / width)
def pair(width):
    class Pair(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.two, self.out = torch.nn.Bilinear(64, 64, width), torch.nn.Linear(width, 10)
        def forward(self, x):
            return self.out(self.two(x, x))
    return Pair()
def number(width):
    return 3
def narrow(width):
    return torch.nn.Linear(63, 10)
def other(w):
    return torch.nn.Linear(64, 10)
"""
FEW = ("--samples", 32, "--widths", "8,16", "--seeds", 2, "--steps", 2, "--device", "cpu")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Run every command in a folder that holds the user's file alone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(app, ["coordinate-check", *map(str, arguments)])


def refused(*arguments):
    outcome = call(*arguments)
    assert outcome.exit_code == frontdoor.BAD_INPUT, outcome.output
    (line,) = [line for line in outcome.stderr.strip().splitlines() if line.startswith("scalewright: ")]
    return line.removeprefix("scalewright: ")


def test_identity_json_is_what_the_library_measures():
    outcome = call("mine.py:build", *FEW, "--optimizer", "mine.py:scaled", "--json")
    assert outcome.exit_code == 0, outcome.output
    printed = json.loads(outcome.stdout)
    expected = nets.coordinate_check(
        own.named_by("mine.py:build", "the model"),
        nets.data.load("digits", samples=32, targets="one-hot", dtype=nets.data.torch.float32, device="cpu"),
        widths=[8, 16],
        optimizer=own.named_by("mine.py:scaled", "the optimizer"),
        steps=2,
        seeds=range(2),
        device="cpu",
    ).to_json()
    assert printed["rows"] == json.loads(frontdoor.to_json(expected["rows"]))
    assert (printed["widths"], printed["unstable"], printed["skipped"]) == ([8, 16], [], {})


def test_out_writes_results_sizes_and_a_picture(elsewhere):
    outcome = call("mine.py:build", *FEW, "--optimizer", "adam", "--lr", 0.001, "--out", "found")
    assert outcome.exit_code == 0, outcome.output
    assert "| 0.weight | effective |" in outcome.stdout
    assert {path.name for path in (elsewhere / "found").iterdir()} >= {
        "coordinates.json",
        "coordinates.nc",
        "coordinates.png",
    }


def test_modules_that_are_skipped_are_named():
    outcome = call("mine.py:pair", *FEW, "--lr", 0.001)
    assert "Skipped: two: it is called with Tensor, Tensor, and not with one tensor." in outcome.stdout


def test_a_run_that_is_not_finite_is_named_and_undecided():
    outcome = call(
        "mine.py:build", "--samples", 32, "--widths", "8,16,32", "--seeds", 3, "--lr", 1e30, "--json"
    )
    assert outcome.exit_code in (frontdoor.BAD_INPUT, frontdoor.UNDECIDED)
    assert "nan" not in outcome.stdout.lower()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mine.py:build", "--widths", "8"], "--widths must be at least two, as one has no slope; given 8"),
        (["mine.py:build", "--lr", "0"], "--lr must be positive; given 0.0"),
        (
            ["mine.py:build", "--optimizer", "lion"],
            "--optimizer must be sgd, adam or file.py:function; given 'lion'",
        ),
        (["mine.py:number"], "build must return a torch.nn.Module; it returned int"),
        (["mine.py:narrow"], "mine.py:narrow can't be trained: mat1 and mat2 shapes cannot be multiplied"),
        (["mine.py:other"], "build must take `width`; given one that takes w"),
        (["mine.py:build", "--seeds", "1"], "--seeds must be at least 2, as one gives no interval; given 1"),
        (["mine.py:missing"], "must define a function 'missing'"),
        (["mine.py:build", "--against", "x"], "against must be 'initial' or 'previous'; given 'x'"),
        (
            ["mine.py:build", "--widths", "8,x"],
            "a list of widths must be integers with commas between; given '8,x'",
        ),
    ],
)
def test_bad_input_gets_one_sentence(arguments, message):
    assert message in refused(arguments[0], *FEW[:2], "--seeds", 2, "--device", "cpu", *arguments[1:])


def test_numbers_are_those_of_any_run_with_the_same_seeds():
    once, again = (json.loads(call("mine.py:build", *FEW, "--json").stdout)["rows"] for _ in range(2))
    np.testing.assert_array_equal([row["slope"] for row in once], [row["slope"] for row in again])
