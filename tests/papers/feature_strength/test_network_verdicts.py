"""Verdicts on networks: made-up planes that keep a law or break it, and claims measured afresh."""

from dataclasses import replace

import numpy as np
import pytest

from scalewright.papers.claim import judge_claim
from scalewright.papers.feature_strength import (
    adaptive,
    collapse,
    collapse_verdicts,
    network_verdicts,
    precision,
    rate_verdicts,
    settings,
    staircase,
    staircase_verdicts,
)
from scalewright.papers.feature_strength.network_claims import NETWORK_CLAIMS
from scalewright.sim.dataset import dataset

GAMMAS = np.array([1e-3, 1e-2, 10.0, 1e2, 1e3])


def converged(power, layers=3, spread=0.003):
    """A plane with one rate a gamma whose sharpness in eta's unit falls as gamma^-2, then as a power."""
    noise = np.exp(spread * np.random.default_rng(0).standard_normal((len(GAMMAS), 6)))
    raw = np.where(GAMMAS < 1, GAMMAS**-2, GAMMAS**-power)[:, None] * noise
    cells = np.full((len(GAMMAS), len(GAMMAS), 6), np.nan)
    place = np.arange(len(GAMMAS))
    cells[place, place] = raw * GAMMAS[:, None] ** 2
    axes = ("gamma", "eta", "seed")
    return dataset(
        {"sharpness": (axes, cells), "reached_at": (axes, np.where(np.isfinite(cells), 5, -2))},
        {"gamma": GAMMAS, "eta": GAMMAS, "seed": np.arange(6)},
        {"layers": layers, "kind": "relu"},
    )


def plane(power, layers=3, censored=False):
    """A plane whose runs learn up to an edge that grows as gamma^2, then as a power."""
    etas = np.logspace(-8, 5, 209)
    edge = np.where(GAMMAS < 1, GAMMAS**2, GAMMAS**power)
    own = np.exp(0.3 * np.random.default_rng(1).standard_normal(8))
    learnt = etas[None, :, None] < edge[:, None, None] * own
    near = np.abs(np.log10(etas[None] / edge[:, None])) < (0.0 if censored else 1.0)
    near |= (etas[None] < edge[:, None]) & (etas[None] > edge[:, None] / 2)
    reached = np.where(near[..., None], np.where(learnt, 7, -1), -2)
    return dataset(
        {"reached_at": (("gamma", "eta", "seed"), reached)},
        {"gamma": GAMMAS, "eta": etas, "seed": np.arange(8)},
        {"layers": layers, "kind": "linear"},
    )


def outcomes(rows):
    return {row.id.split("-3-", 1)[1]: row.verdict for row in rows}


def test_the_derived_power_of_the_sharpness_passes_and_rejects_its_rivals():
    assert set(outcomes(network_verdicts.sharpness(converged(2 / 3))).values()) == {"pass"}


@pytest.mark.parametrize(("power", "control"), [(0.5, "deeper-control"), (1.0, "one-control")])
def test_control_a_rival_power_of_the_sharpness_fails(power, control):
    found = outcomes(network_verdicts.sharpness(converged(power)))
    assert found["rich"] == "fail"
    assert found[control] == "fail"


def test_networks_that_have_not_converged_are_not_judged():
    data = converged(2 / 3)
    data["reached_at"].values[:, -1] = -1
    with pytest.raises(ValueError, match="at least 2 seeds must converge at every gamma"):
        network_verdicts.sharpness(data)


def test_rows_say_how_many_seeds_have_not_converged():
    data = converged(2 / 3)
    assert not any("left out" in row.statement for row in network_verdicts.sharpness(data))
    data["reached_at"].values[-1, -1, 2] = -1
    lazy, rich, *_ = network_verdicts.sharpness(data)
    assert "left out" not in lazy.statement
    assert rich.statement.endswith("(1 of 6 seeds left out: not converged at every gamma)")


def test_the_derived_power_of_the_edge_passes_and_a_rival_fails():
    assert set(outcomes(rate_verdicts.edge(plane(2 / 3))).values()) == {"pass"}
    assert outcomes(rate_verdicts.edge(plane(1.0)))["rich"] == "fail"
    assert outcomes(rate_verdicts.edge(plane(0.5)))["deeper-control"] == "fail"


def test_an_edge_that_the_grid_does_not_hold_is_undecided_and_says_where():
    rows = rate_verdicts.edge(plane(2 / 3, censored=True))
    assert {row.verdict for row in rows} == {"undecided"}
    assert "not fitted: at gamma = 0.001" in rows[0].statement


def batched(edge):
    """Online runs, batches of one size, whose last loss is low up to an edge times that of the plane."""
    data = plane(2 / 3).drop_vars("eta").assign_coords(eta=np.logspace(-8, 5, 209) * edge)
    losses = np.stack([np.ones(data.reached_at.shape), np.where(data.reached_at.values >= 0, 0.01, 9.0)], -1)
    return data.assign(loss=((*data.reached_at.dims, "step"), losses))


@pytest.mark.parametrize(("shift", "verdict"), [(2.0, "pass"), (1.0, "fail"), (0.5, "fail")])
def test_the_larger_batch_must_have_the_larger_edge(shift, verdict):
    rows = {row.id: row for row in rate_verdicts.batches({4: batched(1.0), 64: batched(shift)})}
    assert rows["batch-64-rich"].verdict == "pass"
    for regime in ("lazy", "rich"):
        row = rows[f"batch-shift-{regime}-control"]
        assert row.measured == pytest.approx(shift)
        assert row.verdict == verdict


def stairs(*half_steps):
    """A multi-index run of 101 steps whose monomials are learnt at these steps, a seed a triple."""
    steps = np.arange(101)
    curves = (steps[:, None] >= np.array(half_steps)[:, None]).astype(float)  # (seed, step, monomial)
    axes = {"gamma": np.array([1e-2, 1.0, 1e2]), "seed": np.arange(len(half_steps)), "step": steps}
    shares = np.broadcast_to(curves, (3, *curves.shape))
    return dataset(
        {"outputs": (("gamma", "seed", "step", "output"), shares)}, axes | {"output": np.arange(3)}
    )


@pytest.mark.parametrize(
    ("seed", "share"),
    [
        ((10, 20, 30), 1.0),
        ((10, 10, 30), 1.0),
        ((20, 10, 30), 0.5),
        ((10, 20, 999), 0.5),
        ((999, 20, 30), 0.5),
    ],
)
def test_monomials_come_in_order_and_one_never_learnt_is_in_none(seed, share):
    row = staircase_verdicts.multi_index(stairs((5, 6, 7), seed))[-1]
    assert row.id == "index-order"
    assert row.measured == share
    assert row.verdict == ("pass" if share == 1 else "fail")


def test_rivals_are_those_that_differ_from_the_derived_power():
    assert set(network_verdicts.other_rivals(2)) == {"3/L", "2/(L+1)"}
    assert set(network_verdicts.other_rivals(3)) == {"3/L", "2/(L+1)", "1"}
    assert set(network_verdicts.edge_rivals(4)) == {"3/L", "1"}


@pytest.fixture(scope="module")
def scale():
    return replace(settings.SMOKE, collapse_seeds=4)


def judged(name, rows):
    claim = next(claim for claim in NETWORK_CLAIMS if claim.id == name)
    return judge_claim(claim, [row.to_json() for row in rows])[0]


def test_adam_s_distance_is_reproduced_afresh(scale):
    runs = [adaptive.distance(scale, layers, device="cpu") for layers in adaptive.LAYERS]
    assert (
        judged("adam-networks", [row for run in runs for row in network_verdicts.adam(run)]) == "reproduced"
    )


def test_collapse_is_reproduced_afresh_and_not_at_raw_time(scale):
    found = collapse.alignment(scale, "relu", 3, device="cpu")
    rows = {row.id: row for row in collapse_verdicts.alignment(found)}
    for name in ("collapse-relu-3", "collapse-relu-3-control", "silent-relu-3", "silent-relu-3-control"):
        assert rows[name].verdict in ("pass", "undecided"), rows[name]
    assert collapse_verdicts.deviations(found).max() < 0.01 < collapse_verdicts.raw_deviations(found).min()


def test_the_stairs_of_two_modes_are_reproduced_afresh(scale):
    rows = {
        row.id: row
        for layers in (2, 3)
        for row in staircase_verdicts.two_modes(staircase.two_modes(scale, layers, device="cpu"))
    }
    assert {name: row.verdict for name, row in rows.items()} == dict.fromkeys(rows, "pass")


def test_what_centring_costs_is_reproduced_afresh():
    rows = network_verdicts.centring(
        precision.centring(replace(settings.SMOKE, collapse_seeds=6), device="cpu")
    )
    assert judged("T15", rows) == "reproduced"
