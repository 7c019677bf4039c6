"""How the verdicts of a claim's checks combine, and what the claims of super-consistency point to."""

import json

import pytest

from scalewright import papers
from scalewright.papers.claim import Claim, Finding, judge_claim
from scalewright.papers.reproduction import PAPERS, claims, claims_of

CLAIM = Claim("C", "paper", "It holds.", "equation 1", "0", "counting", "0.1", "1 second", ("a", "b"))


def rows(**verdicts):
    return [{"id": name, "verdict": verdict} for name, verdict in verdicts.items()]


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (rows(a="pass", b="pass"), "reproduced"),
        (rows(a="pass", b="fail"), "deviates"),
        (rows(a="pass", b="undecided"), "undecided"),
        (rows(a="fail", b="undecided"), "deviates"),
        (rows(a="pass"), "not tried"),
        (rows(a="undecided"), "not tried"),
        (rows(b="fail"), "deviates"),
        ([], "not tried"),
    ],
)
def test_identity_of_the_rule(found, verdict):
    assert judge_claim(CLAIM, found) == (verdict, tuple(found))


def test_rows_of_other_claims_do_not_count():
    others = rows(c="fail", d="undecided")
    ours = rows(a="pass", b="pass")
    assert judge_claim(CLAIM, [*others, *ours]) == ("reproduced", tuple(ours))


def test_rows_come_in_the_order_of_the_checks():
    found = rows(b="pass", a="pass")
    assert [row["id"] for row in judge_claim(CLAIM, found)[1]] == ["a", "b"]


def test_finding_is_one_flat_record():
    record = Finding(CLAIM, "reproduced", "smoke", True, tuple(rows(a="pass"))).to_json()
    assert json.loads(json.dumps(record)) == record | {"checks": ["a", "b"]}
    assert (record["id"], record["verdict"], record["stale"]) == ("C", "reproduced", True)
    assert record["rows"] == rows(a="pass")


@pytest.mark.parametrize("paper", PAPERS)
def test_registry_is_sound(paper):
    listed = claims_of(paper)
    assert len({claim.id for claim in listed}) == len(listed)
    for claim in listed:
        assert claim.paper == paper
        assert claim.checks
        assert len(set(claim.checks)) == len(claim.checks)
        texts = (claim.statement, claim.source, claim.predicted, claim.measured_by, claim.tolerance)
        assert all(text.strip() for text in texts)


def test_claims_are_public_and_unmeasured_ones_say_so(tmp_path):
    assert papers.claims is claims
    found = claims("super-consistency", root=tmp_path)
    assert {finding.verdict for finding in found} == {"not tried"}
    assert [finding.claim for finding in found] == list(claims_of("super-consistency"))


def test_unknown_paper_is_refused():
    for asked in (claims, claims_of):
        with pytest.raises(
            ValueError,
            match=rf"^paper must be one of {', '.join(PAPERS)}; given 'foo'$",
        ):
            asked("foo")


def test_unknown_name_of_the_room_is_refused():
    with pytest.raises(AttributeError, match=r"module 'scalewright.papers' has no attribute 'foo'"):
        papers.foo  # noqa: B018
