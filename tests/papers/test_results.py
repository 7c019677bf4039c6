"""Stored results: whole or not at all, the largest scale first, stale when other code measured them."""

import json
from dataclasses import replace

import pytest

from scalewright.papers import reproduction, results
from scalewright.papers.reproduction import claims, claims_of
from scalewright.sim.verdict import judge

PAPER = "super-consistency"
ROW = {"id": "a", "verdict": "pass", "measured": 1.0}


def stored(root, scale="smoke", rows=(ROW,), **provenance):
    return results.store(PAPER, scale, list(rows), provenance, root=root)


def test_identity_what_is_stored_is_read(tmp_path):
    path = stored(tmp_path, code="v1")
    assert path == tmp_path / "super_consistency" / "results" / "smoke.json"
    record = results.read(PAPER, "smoke", root=tmp_path)
    assert record["verdicts"] == [ROW]
    assert record["provenance"] == {"code": "v1"}
    assert (record["schema"], record["paper"], record["scale"]) == (results.SCHEMA, PAPER, "smoke")


def test_nothing_stored_is_none(tmp_path):
    assert results.read(PAPER, "smoke", root=tmp_path) is None
    assert results.read_largest(PAPER, root=tmp_path) is None


def test_largest_scale_is_read_first(tmp_path):
    stored(tmp_path, "smoke")
    assert results.read_largest(PAPER, root=tmp_path)["scale"] == "smoke"
    stored(tmp_path, "full")
    stored(tmp_path, "standard")
    assert results.read_largest(PAPER, root=tmp_path)["scale"] == "full"


def test_a_row_without_a_number_is_stored_as_null(tmp_path):
    """A run whose estimate is not a number must not lose its other rows."""
    row = judge("a", "a row", float("nan"), predicted=0.0, tolerance=1.0).to_json()
    stored(tmp_path, rows=[row, ROW])
    found = json.loads((tmp_path / "super_consistency" / "results" / "smoke.json").read_text())
    assert found["verdicts"][0]["measured"] is None
    assert found["verdicts"][0]["verdict"] == "undecided"
    assert found["verdicts"][1] == ROW


def test_interrupted_store_keeps_the_last_results(tmp_path, monkeypatch):
    path = stored(tmp_path, code="v1")
    before = path.read_bytes()
    write = type(path).write_bytes

    def half(self, content):
        write(self, content[:20])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(path), "write_bytes", half)
        with pytest.raises(KeyboardInterrupt):
            stored(tmp_path, code="v2")
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "results: smoke.json of super-consistency is not JSON"),
        ('{"schema": 99}', "results: smoke.json of super-consistency has schema 99, this version reads 1"),
        ("[]", "results: smoke.json of super-consistency is no record of results; run"),
        ('{"schema": 1}', "results: smoke.json of super-consistency is no record of results; run"),
    ],
)
def test_bad_file_is_named(tmp_path, text, said):
    stored(tmp_path).write_text(text)
    with pytest.raises(ValueError, match=said):
        results.read(PAPER, "smoke", root=tmp_path)


def everything(verdict="pass"):
    checks = {check for claim in claims_of(PAPER) for check in claim.checks}
    return [{"id": check, "verdict": verdict} for check in sorted(checks)]


def test_claims_read_the_store_and_mark_what_is_stale(tmp_path, monkeypatch):
    monkeypatch.setattr(reproduction, "code_version", lambda module: "v1")
    stored(tmp_path, rows=everything(), code="v1")
    fresh = claims(PAPER, root=tmp_path)
    assert {(f.verdict, f.stale, f.scale) for f in fresh} == {("reproduced", False, "smoke")}
    monkeypatch.setattr(reproduction, "code_version", lambda module: "v2")
    assert claims(PAPER, root=tmp_path) == [replace(finding, stale=True) for finding in fresh]


def test_control_one_failed_check_makes_its_claims_deviate(tmp_path, monkeypatch):
    monkeypatch.setattr(reproduction, "code_version", lambda module: "v1")
    rows = everything()
    broken = claims_of(PAPER)[0].checks[0]
    rows = [row | {"verdict": "fail"} if row["id"] == broken else row for row in rows]
    stored(tmp_path, rows=rows, code="v1")
    for finding in claims(PAPER, root=tmp_path):
        assert finding.verdict == ("deviates" if broken in finding.claim.checks else "reproduced")
