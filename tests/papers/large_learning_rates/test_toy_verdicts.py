"""The two-layer linear network judged: what holds passes, what is altered doesn't."""

from dataclasses import replace

import numpy as np
import pytest

from scalewright.papers.large_learning_rates import settings, theory_verdicts, toy, toy_claims, toy_verdicts

SCALE = settings.scale_of("smoke")


@pytest.fixture(scope="module")
def squared():
    return toy.edges(SCALE, "sp-squared")


@pytest.fixture(scope="module")
def near():
    return {loss: toy.growth(SCALE, toy.NEAR, loss) for loss in ("squared", "cross-entropy")}


def test_identity_edges_pass(squared):
    assert [row.verdict for row in (*toy_verdicts.edge(squared), *toy_verdicts.far(squared))] == ["pass"] * 2
    assert [row.verdict for row in toy_verdicts.catapult(squared)] == ["pass", "pass"]
    kernel = toy.edges(replace(SCALE, toy_seeds=8), "sp-cross-entropy-kernel")
    assert [row.verdict for row in toy_verdicts.edge(kernel)] == ["pass"]
    assert [row.verdict for row in toy_verdicts.limit(toy.limits(SCALE, "0"), kernel)] == ["pass"]


def test_control_rates_of_another_power_fail(squared):
    """Rates times n^0.05: outside of the band of 0.01."""
    bent = squared.width.astype(float) ** 0.05
    wrong = squared.assign(stable=squared.stable * bent, unstable=squared.unstable * bent)
    assert [row.verdict for row in toy_verdicts.edge(wrong)] == ["fail"]
    assert toy_verdicts.catapult(wrong)[0].verdict == "fail"


def test_identity_the_loss_feeds_back(near):
    rows = toy_verdicts.feedback(near["squared"], near["cross-entropy"])
    assert {row.verdict for row in rows} == {"pass"}
    assert [row.predicted for row in rows] == [0.25, 0.5, 0.75, 0.25, 0.25, 0.25, 0.25]


def test_control_the_losses_exchanged_fail(near):
    rows = toy_verdicts.feedback(near["cross-entropy"], near["squared"])
    assert {row.id for row in rows if row.verdict == "fail"} == {
        "uv-step-squared-2", "uv-step-squared-3", "uv-step-cross-entropy-2", "uv-step-cross-entropy-3",
        "uv-step-control",
    }  # fmt: skip


@pytest.mark.parametrize("c", toy.WINDOW)
def test_identity_inside_the_window(c):
    assert {row.verdict for row in toy_verdicts.window(toy.growth(SCALE, c, "cross-entropy"))} == {"pass"}


@pytest.mark.parametrize("c", toy.BELOW)
def test_identity_below_the_edge(c):
    rows = toy_verdicts.below(toy.growth(SCALE, c, "squared"))
    assert [row.verdict for row in rows] == ["pass"] * 3


@pytest.mark.slow
def test_identity_a_warm_up_over_a_share_of_the_time():
    """The largest rate is (40 s / (K n))^1/2 with a warm-up over the share s: another share, the same K."""
    case = toy.EDGES["sp-squared-timed-warmup"]
    found = []
    for share in (0.1, 0.4):
        from scalewright.sim import uv

        edge = uv.edge(
            toy.rule("sp"),
            widths=case.widths,
            seeds=range(8),
            rates=(1.5e-3, 1.0),
            duration=20.0,
            warmup=share,
        )
        found.append(np.log(40 * share / (np.array(case.widths)[:, None] * edge.rate**2)))
    assert np.exp(found[0].mean() - found[1].mean()) == pytest.approx(1, abs=0.15)


def test_every_check_of_a_claim_has_a_row(squared, near):
    """Stages that take long are not run: their ids are known by their names."""
    known = {row.id for row in theory_verdicts.rows()}
    known |= {f"uv-edge-{name}" for name in toy.EDGES} | {"uv-timed", "uv-timed-warmup", "uv-limit"}
    known |= {row.id for row in (*toy_verdicts.catapult(squared), *toy_verdicts.far(squared))}
    known |= {row.id for row in toy_verdicts.feedback(near["squared"], near["cross-entropy"])}
    known |= {f"uv-{what}-{c.replace('/', '-')}" for what in ("outputs", "kernel") for c in toy.WINDOW}
    known |= {f"uv-below-{c.replace('/', '-')}-{step}" for c in toy.BELOW for step in (1, 2, 3)}
    for claim in toy_claims.CLAIMS:
        assert set(claim.checks) <= known, claim.id
