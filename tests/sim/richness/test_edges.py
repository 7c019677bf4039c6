"""Edges by bisection against theory, and the refusals of what a scan does not hold."""

import numpy as np
import pytest

from scalewright.sim.richness import Edge, Regime, Task, classify, edge, evaluate, hole_top, march
from scalewright.theory.richness import boundaries, wide

GAMMAS = np.array([1e-3, 1.0, 1e3])


@pytest.mark.parametrize(("layers", "loss"), [(2, "squared"), (4, "cross-entropy")])
def test_oracle_both_ends_of_the_band_are_theory_s(layers, loss):
    """Bands: steps of descent against the flow (1 %), and log(1/epsilon) / T at the upper end."""
    task, theory = Task(layers, loss, steps=2000), boundaries(layers, loss)
    low, high = (
        evaluate(theory[name].expression, GAMMAS, steps=2000, error=0.01) for name in ("eta_min", "eta_crit")
    )
    least, largest = (edge(task, n, GAMMAS, low=low / 3, high=high * 5) for n in ("eta_min", "eta_max"))
    assert least.value == pytest.approx(low, rel=0.01)
    assert largest.value == pytest.approx(high, rel=0.001 + np.log(100) / 2000)
    assert (largest.width <= 1e-3).all()


def test_identity_the_brackets_hold_the_edge():
    task = Task(3, steps=1000)
    found = edge(task, "eta_max", GAMMAS, low=1e-9, high=1e4)
    below, above = (march(task, GAMMAS, end) for end in (found.low, found.high))
    assert (below.settled_at <= 1000).all()
    assert (above.settled_at > 1000).all()


def test_identity_the_catapult_doubles_the_edge_of_two_wide_layers():
    """The scan must not hit 2/K_0 itself, where the flow's minimum is stable by nothing."""
    task = Task(2, model="wide", steps=3000)
    found = {
        n: edge(task, n, [1e-3], low=1.1e-8, high=1e-4).value[0] for n in ("eta_mono", "eta_max", "eta_div")
    }
    assert found["eta_mono"] == pytest.approx(1e-6, rel=0.002)
    assert found["eta_max"] == pytest.approx(2e-6, rel=0.002)


def test_literature_divergence_of_two_layers_under_cross_entropy():
    """7.4 gamma (science notes): 2 (1 + e) gamma, up to growth to 1e8 within T."""
    found = edge(Task(2, "cross-entropy", steps=4000), "eta_div", [1e-3], low=1e-4, high=1e-1)
    assert found.value[0] / 1e-3 == pytest.approx(2 * (1 + np.e), rel=np.log(1e8) / 4000)


def test_oracle_the_hole_of_cross_entropy_and_the_end_of_its_band():
    task, gammas = Task(2, "cross-entropy", model="wide", steps=3000), np.array([1e-5, 1e-3])
    predicted = hole_top(gammas, steps=3000)
    crit = evaluate(
        boundaries(2, "cross-entropy", model="wide")["eta_crit"].expression, gammas, steps=1, error=0.01
    )
    top = edge(task, "eta_min", gammas, low=1.1 * crit, high=1.5 * gammas)
    end = edge(task, "eta_max", gammas, low=1.5 * gammas, high=20 * gammas)
    assert top.value == pytest.approx(predicted, rel=0.02)
    assert end.value / gammas == pytest.approx(float(wide.edge_ratio()), rel=0.01)


def test_control_there_is_no_hole_at_large_gamma():
    assert np.isnan(hole_top([1.0, 100.0], steps=1000)).all()


def test_what_a_scan_does_not_hold_is_said_and_not_fitted():
    task = Task(3, steps=500)
    high = edge(task, "eta_max", [1.0, 10.0], low=1e-3, high=1e-2)
    assert high.status == ("at the upper edge", "no stable rate")
    assert np.isnan(high.value).all()
    assert high.low[0] == pytest.approx(1e-2)
    assert high.high[0] == np.inf
    assert np.isinf(high.width).all()
    assert edge(task, "eta_min", [1.0], low=0.1, high=10).status == ("at the lower edge",)
    assert edge(task, "eta_max", [1.0], low=10, high=1e3).status == ("no stable rate",)
    with pytest.raises(ValueError) as caught:
        high.slope()
    assert str(caught.value) == (
        "richness.Edge.slope: every eta_max must be held by the rates scanned; given one 'at the upper edge' "
        "at gamma = 1: fit another range of gamma, or scan other rates"
    )


def test_a_slope_needs_two_gammas_and_knows_its_brackets():
    one = Edge("eta_max", np.array([1.0]), np.array([1.0]), np.array([1.1]), ("held",))
    with pytest.raises(ValueError, match="2 or more gammas are needed; given 1"):
        one.slope()
    two = Edge("eta_max", np.array([1.0, 100.0]), np.array([1.0, 10.0]), np.array([1.1, 11.0]), ("held",) * 2)
    found = two.slope()
    assert found.value == pytest.approx(0.5)
    width = np.log(1.1) / np.sqrt(12) * np.sqrt(2) / np.log(100)
    assert found.standard_error == pytest.approx(width)
    assert two.between(50, 200).gamma.tolist() == [100.0]


def test_identity_a_hole_in_the_band_ends_it():
    """Momentum at gamma = 10 has a hole narrower than the scan's step; the edge lies below it."""
    task = Task(3, "squared", "momentum", steps=1000)
    found = edge(task, "eta_max", [10.0], low=1e-2, high=1e3)
    etas = np.geomspace(found.first[0], found.low[0], 397)
    assert (march(task, 10.0, etas).settled_at <= 1000).mean() > 0.99
    coarse = np.geomspace(1e-2, 1e3, 101)
    good = march(task, 10.0, coarse).settled_at <= 1000
    assert found.high[0] <= coarse[good][0] * (coarse[1] / coarse[0]) ** 200


@pytest.mark.parametrize(("low", "high", "tolerance"), [(1.0, 0.1, 1e-3), (0.1, 1.0, 0.0)])
def test_a_scan_that_goes_nowhere_is_refused(low, high, tolerance):
    with pytest.raises(
        ValueError, match="low must be below high at every gamma, and tolerance at least 1e-12"
    ):
        edge(Task(), "eta_max", [1.0], low=low, high=high, tolerance=tolerance)


def test_an_unknown_edge_is_refused():
    with pytest.raises(
        ValueError, match="name must be one of eta_min, eta_mono, eta_max, eta_div; given 'top'"
    ):
        edge(Task(), "top", [1.0], low=1, high=2)


def test_identity_every_regime_is_named():
    """Two wide layers, gamma = 1e-3: eta / gamma^2 of each regime; between 2 and 4 over K_0 a catapult."""
    task = Task(2, model="wide", steps=1000)
    etas = 1e-6 * np.array([1e-4, 0.5, 1.5, 2.5])
    found = classify(march(task, 1e-3, etas), 1000)
    assert [Regime(k).label for k in found] == [
        "too slow", "converged monotonically", "catapulted", "diverged",
    ]  # fmt: skip
    cycling = classify(march(Task(2, steps=1000), 1.0, 0.6), 1000)
    assert Regime(int(cycling)) is Regime.EDGE_OF_STABILITY
