"""`scalewright weingarten`: what it prints, writes, and refuses."""

import json

import pytest
from typer.testing import CliRunner

from scalewright import frontdoor
from scalewright.cli import app
from scalewright.theory.haar import partitions, table


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(app, ["weingarten", *map(str, arguments)])


def refused(*arguments):
    outcome = call(*arguments)
    assert outcome.exit_code == frontdoor.BAD_INPUT, outcome.output
    (line,) = outcome.stderr.strip().splitlines()
    return line.removeprefix("scalewright: ")


def test_identity_json_is_what_the_library_derives(elsewhere):
    outcome = call("--group", "unitary", "--degree", 6, "--json")
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    found = json.loads(outcome.stdout)
    assert found["values"] == table(6, group="unitary").to_json()["values"]
    assert found["proof"] == (
        "4 orthogonality relations were verified in exact arithmetic. It holds for integers n >= 3."
    )
    assert "latex" not in found
    assert not list(elsewhere.iterdir())


def test_the_table_is_printed_with_its_proof():
    outcome = call()
    assert "| 1, 1 | (n + 1)/(n*(n - 1)*(n + 2)) |" in outcome.stdout
    assert "2 orthogonality relations were verified in exact arithmetic." in outcome.stdout


def test_latex_has_a_line_a_class():
    outcome = call("--group", "orthogonal", "--degree", 8, "--latex")
    assert outcome.stdout.strip() == table(8).to_latex()
    assert outcome.stdout.count(r"\\") == 1 + len(partitions(4))
    both = json.loads(call("--degree", 4, "--latex", "--json").stdout)
    assert both["latex"] == table(4).to_latex()


def test_below_the_pole_the_pseudo_inverse_is_named():
    found = json.loads(call("--degree", 4, "--dimension", 1, "--json").stdout)
    assert [row["value"] for row in found["values"]] == ["1/9", "1/9"]
    assert found["proof"].startswith("Dimension 1 lies below 2: this is the pseudo-inverse.")


@pytest.mark.parametrize("more", [(), ("--dimension", 6)])
def test_table_and_picture_are_written(elsewhere, more):
    assert call("--degree", 6, "--out", "mine", *more).exit_code == 0
    names = {path.name for path in (elsewhere / "mine").iterdir()}
    assert names == {".scalewright", "index.html", "weingarten.json", "weingarten.png", "weingarten.tex"}
    assert (elsewhere / "mine" / "weingarten.png").read_bytes().startswith(b"\x89PNG")
    written = json.loads((elsewhere / "mine" / "weingarten.json").read_text())
    assert written == json.loads(call("--degree", 6, "--json", *more).stdout)
    page = (elsewhere / "mine" / "index.html").read_text()
    assert page.count("data:image/svg+xml") == 1
    assert "--out mine exists" in refused("--degree", 6, "--out", "mine")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--degree", 7], "table: degree must be even and positive, the number of matrix entries (odd "
         "moments "
         "are 0); given 7"),
        (["--degree", 30], "table: degree 30 has 6190283353629375 pairings in 176 classes; at most degree 24 "
         "is computed"),
        (["--group", "spin"], "table: group must be one of orthogonal, unitary, symplectic; given 'spin'"),
        (["--dimension", 0], "table: dimension must be a positive integer; given 0"),
        (["--group", "symplectic", "--dimension", 3], "table: dimension must be even for the symplectic "
         "group, the size of its matrices; given 3"),
    ],
)  # fmt: skip
def test_bad_value_is_one_sentence(arguments, sentence, elsewhere):
    assert refused(*arguments) == sentence
    assert not list(elsewhere.iterdir())
