"""The judges of the toys, on edges that keep theory's laws or break them, and the claims' rows."""

from dataclasses import replace

import numpy as np
import pytest

from scalewright.papers.feature_strength import (
    catapult_verdicts,
    optimizer_verdicts,
    readings,
    settings,
    toy,
    toy_catalogue,
    toy_claims,
    toy_verdicts,
    wide_toy,
)
from scalewright.sim.richness import Edge, Task

GAMMAS = np.array(toy.GAMMAS)


def made(task, power=1.0, **edges):
    """Edges with a bracket of 1e-6, `power` times the logarithm of theory's."""
    found = {}
    for name, values in edges.items():
        bent = np.exp(power * np.log(values))
        found[name] = Edge(name, GAMMAS, bent, bent * (1 + 1e-6), ("held",) * len(GAMMAS))
    return toy.of_edges(found, task)


@pytest.fixture(scope="module")
def task():
    return Task(3, "squared", steps=2000)


@pytest.fixture(scope="module")
def curves(task):
    theory = toy.theory_of(task)
    return {name: toy.curve(theory, name, GAMMAS, task) for name in ("eta_min", "eta_max")}


def outcomes(rows):
    return {row.id: row.verdict for row in rows}


def test_edges_on_theory_pass_with_their_rivals_rejected(task, curves):
    found = outcomes(toy_verdicts.edges(made(task, **curves)))
    assert set(found.values()) == {"pass"}
    assert sum(name.endswith("-control") for name in found) == 3


def test_control_edges_of_another_power_fail(task, curves):
    found = outcomes(toy_verdicts.edges(made(task, power=1.05, **curves)))
    assert {
        found[f"toy-{end}-squared-3-{regime}"] for end in ("max", "min") for regime in ("lazy", "rich")
    } == {"fail"}
    assert found["toy-max-squared-3-constant"] == "fail"


def test_control_a_rival_that_holds_fails_its_row(task, curves):
    rival = curves | {"eta_max": GAMMAS ** (2 / 4)}
    assert outcomes(toy_verdicts.edges(made(task, **rival)))["toy-max-squared-3-deeper-control"] == "fail"


def test_a_censored_edge_is_refused(task, curves):
    data = made(task, **curves)
    data["edge_high"][:, -1] = np.inf
    with pytest.raises(ValueError, match="must be held by the rates scanned"):
        toy_verdicts.edges(data)


def test_identity_a_slope_from_scatter():
    x = np.array([1.0, 10.0, 100.0, 1000.0])
    exact = readings.scatter_slope(x, 3 * x**0.7)
    assert exact.value == pytest.approx(0.7)
    assert exact.high - exact.low < 1e-12
    assert readings.scatter_slope(x, 3 * x**0.7 * np.array([1, 1.1, 1, 1.1])).standard_error > 0.01


def test_identity_the_toys_of_small_size_pass():
    """Real runs: one stage of each kind that is quick."""
    small = replace(settings.SCALES["smoke"], toy_steps=500, toy_cells=21)
    rows = [
        *toy_verdicts.plateau(toy.plateau(small, 3)),
        *toy_verdicts.horizons(toy.horizons(small)),
        *catapult_verdicts.squared(wide_toy.wide_squared(small), wide_toy.wide_edges(small, "squared")),
        *optimizer_verdicts.logistic(toy.logistic(small, 3)),
    ]
    assert {name: found for name, found in outcomes(rows).items() if found != "pass"} == {}


def test_identity_claims_and_stages_fit_together():
    names = [stage.name for stage in toy_catalogue.stages(settings.SCALES["smoke"])]
    assert len(names) == len(set(names))
    checks = [check for claim in toy_claims.CLAIMS for check in claim.checks]
    assert len(checks) == len(set(checks)) == 127
    assert len({claim.id for claim in toy_claims.CLAIMS}) == len(toy_claims.CLAIMS)
