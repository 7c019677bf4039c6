"""The phase portrait: grid, boundaries, powers, optimum, and what it says of grids without a stable cell."""

import numpy as np
import pytest

from scalewright.sim.richness import Regime, plot_portrait, portrait, restored

GAMMAS = np.logspace(-4, 5, 10)


@pytest.fixture(scope="module")
def found():
    return portrait(3, gamma=GAMMAS, steps=400)


def test_identity_cells_between_theory_s_boundaries_converge_and_others_do_not(found):
    low, high = found.curves["eta_min"][:, None], found.curves["eta_crit"][:, None]
    etas, regime = found.data.eta.values, found.data.regime.values
    inside, outside = (etas > 1.05 * low) & (etas < 0.95 * high), (etas < 0.95 * low) | (etas > 1.05 * high)
    assert np.isin(regime[inside], (Regime.MONOTONE, Regime.CATAPULTED)).all()
    assert not np.isin(regime[outside], (Regime.MONOTONE, Regime.CATAPULTED)).any()
    assert inside.sum() > 50


def test_identity_measured_powers_are_the_derived_ones(found):
    powers = {(row.boundary, row.regime): row for row in found.powers}
    assert powers["eta_max", "small"].measured == pytest.approx(2, abs=0.01)
    assert powers["eta_max", "large"].measured == pytest.approx(2 / 3, abs=0.005)
    row = powers["eta_min", "large"]
    assert row.derived == 1.0
    assert row.measured == pytest.approx(row.exact, abs=0.005)
    assert row.low <= row.measured <= row.high


def test_identity_the_fastest_rate_lies_in_the_band(found):
    best = found.optimum
    assert set(best.status) == {"held"}
    assert (best.value > found.curves["eta_min"]).all()
    assert (best.value < found.curves["eta_crit"] * 1.3).all()


def test_identity_a_stored_grid_gives_the_same_portrait(found):
    again = restored(found.data)
    assert again.task == found.task
    for name, values in found.curves.items():
        assert np.array_equal(again.curves[name], values, equal_nan=True)
    assert again.status == "mapped"


@pytest.mark.parametrize(
    ("etas", "advice"),
    [
        ((1e-9, 1e-7), "20 too slow, 0 unstable), so that it has no optimum: raise the rates or the steps"),
        ((1e3, 1e5), "0 too slow, 20 unstable), so that it has no optimum: lower the rates"),
    ],
)
def test_a_grid_without_a_stable_cell_says_so(etas, advice):
    empty = portrait(3, gamma=[0.5, 1.0], eta=np.geomspace(*etas, 10), steps=100)
    assert empty.status == "no stable cell"
    assert empty.message == f"no cell of the grid converges within 100 steps ({advice}"
    assert empty.edges == {}
    with pytest.raises(ValueError, match=r"Portrait.optimum: no cell of the grid converges"):
        _ = empty.optimum


def test_an_optimum_at_the_edge_of_the_grid_is_censored_and_not_fitted():
    cut = portrait(3, gamma=[0.5, 1.0], eta=np.geomspace(1e-4, 5e-2, 20), steps=1000, measure=False)
    assert cut.optimum.status == ("at the upper edge", "at the upper edge")
    with pytest.raises(
        ValueError, match="every eta_best must be held by the rates scanned; given one 'at the upper"
    ):
        cut.optimum.slope()


def test_a_grid_too_large_is_refused():
    with pytest.raises(ValueError, match="the grid must have at most 10000000 cells; given 10000 x 10000"):
        portrait(3, gamma=np.geomspace(1, 2, 10_000), eta=np.geomspace(1, 2, 10_000))


def test_a_grid_without_an_area_is_not_drawn():
    single = portrait(3, gamma=[1.0], eta=[0.01, 0.1], steps=50, measure=False)
    with pytest.raises(ValueError, match="the grid must have 2 or more gammas and etas; given 1 and 2"):
        plot_portrait(single)


def test_a_grid_must_be_positive_and_increasing():
    with pytest.raises(ValueError, match=r"gamma must be positive and finite; given \[-1.0\]"):
        portrait(3, gamma=[-1.0, 1.0])
    with pytest.raises(ValueError, match=r"richness.portrait: eta must be increasing; given \[2.0, 1.0\]"):
        portrait(3, gamma=[1.0], eta=[2.0, 1.0])


@pytest.mark.parametrize(
    "options", [{"loss": "cross-entropy"}, {"optimizer": "adam"}, {"layers": 2, "model": "wide"}]
)
def test_identity_the_picture_names_boundaries_and_regimes(options):
    ax = plot_portrait(
        portrait(**{"layers": 3} | options, gamma=np.logspace(-3, 3, 40), steps=200, measure=False)
    )
    said = [text.get_text() for text in ax.texts]
    assert "too slow" in said
    assert any("eta_{\\min}" in text for text in said)
    assert ax.get_xscale() == ax.get_yscale() == "log"
