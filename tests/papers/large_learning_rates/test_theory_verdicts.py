"""The published exponents held against the derived ones, with a wrong table that is caught."""

import pytest

from scalewright.papers.large_learning_rates import theory_verdicts


@pytest.fixture(scope="module")
def rows():
    return theory_verdicts.rows()


def test_literature_every_row_passes(rows):
    assert len(rows) == len({row.id for row in rows}) == 28
    assert {row.verdict for row in rows} == {"pass"}
    assert {row.measured for row in rows if row.expected == "hold"} == {0.0}


def test_control_lines_of_other_networks_are_missed(rows):
    """Other networks' lines are n^1/2 away; all four updates of the squared loss read the logits."""
    missed = {row.id: row.measured for row in rows if row.expected == "break"}
    assert missed == {
        "theory-edges-control": 0.5,
        "theory-updates-control": 0.5,
        "theory-full-align-control": 0.5,
        "theory-feedback-control": 4.0,
        "theory-batch-control": 0.5,
    }


def test_control_a_wrong_exponent_fails(monkeypatch):
    """1/2 in place of 0 for the hidden layers at c = 1/2."""
    wrong = {("sgd", 3, "1/2", "1"): (("-1", "1/2", "1/2"), "1/2", "1/2")}
    monkeypatch.setattr(theory_verdicts, "UPDATES", wrong)
    monkeypatch.setattr(theory_verdicts, "EDGES", {("sgd", 2, "squared", "1"): ("1", "0")})
    failed = [row for row in theory_verdicts.rows() if row.verdict == "fail"]
    assert [(row.id, row.measured) for row in failed] == [
        ("theory-edges-sgd-2-squared", 1.0),
        ("theory-updates-sgd-3-1-2", 0.5),
    ]
