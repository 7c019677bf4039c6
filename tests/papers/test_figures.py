"""Every picture is drawn without a warning, each curve named once, with a caption, and renders to a file."""

import io
import math
from dataclasses import replace

import numpy as np
import pytest

from scalewright.papers import figures as shared
from scalewright.papers.super_consistency import catalogue, figures, linear_networks, toy
from scalewright.papers.super_consistency.settings import PARAMETRIZATIONS
from scalewright.sim import fit


@pytest.fixture(scope="session")
def results(micro, agreements, drawn, followed, swept):
    """The trajectories of every stage at micro scale, by the names of the catalogue."""
    frozen = followed["frozen"]
    return {
        **{f"agreement-{n}": data for n, data in agreements.items()},
        **{f"draws-{n}": data for n, data in drawn.items()},
        **{f"transfer-{n}": data for n, data in swept.items()},
        **{f"consistency-{n}": followed[n] for n in ("mup", "ntp")},
        **{f"whitened-{n}": toy.whitened(n, widths=(64, 256, 1024), draws=4) for n in ("mup", "ntp")},
        **{f"toy-transfer-{n}": toy.transfer(n, widths=(64, 256), draws=3) for n in ("mup", "ntp")},
        "fixed-rate-sp": linear_networks.fixed_rate(replace(micro, linear_widths=(64, 1024)), device="cpu"),
        "spectra-mup": followed["spectra"],
        "random-features": frozen,
    }


@pytest.fixture(scope="session")
def limits(micro):
    return {name: linear_networks.limit(micro, name) for name in PARAMETRIZATIONS}


@pytest.fixture(scope="session")
def pictures(results, limits):
    return catalogue.draw_beyond(results) | catalogue.draw_chain(results, limits)


def test_stages_are_those_that_are_drawn(micro, results):
    stages = [*catalogue.chain(micro, "cpu"), *catalogue.beyond(micro, "cpu")]
    assert {stage.name for stage in stages} == set(results)


def test_every_stage_is_judged(results):
    rows = [*catalogue.judge_chain(results), *catalogue.judge_beyond(results)]
    ids = [row.id for row in rows]
    assert len(ids) == len(set(ids))


def test_no_picture_replaces_another(results, limits):
    assert set(catalogue.draw_chain(results, limits)).isdisjoint(catalogue.draw_beyond(results))


def test_every_picture_has_its_caption_and_no_caption_is_left_over(pictures):
    assert set(pictures) == set(catalogue.CAPTIONS)
    assert all(caption.endswith(".") for caption in catalogue.CAPTIONS.values())


def problems(figure):
    """Say what a reader would miss: axes without labels, curves named twice, nothing drawn."""
    found = []
    for number, ax in enumerate(figure.axes):
        if not (ax.get_xlabel() and ax.get_ylabel()):
            found.append(f"axes {number}: no label")
        if not (ax.lines or ax.collections):
            found.append(f"axes {number}: empty")
        named = [] if ax.get_legend() is None else [text.get_text() for text in ax.get_legend().texts]
        found += [f"axes {number}: {name!r} twice" for name in set(named) if named.count(name) > 1]
        numbers = np.concatenate([ax.get_xlim(), ax.get_ylim()])
        if not np.isfinite(numbers).all():
            found.append(f"axes {number}: limits")
    if not any(ax.get_legend() for ax in figure.axes):
        found.append("no legend")
    return found


def test_every_picture_can_be_read(pictures):
    assert {name: problems(figure) for name, figure in pictures.items() if problems(figure)} == {}


def test_every_picture_renders(pictures):
    for name, figure in pictures.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
        assert buffer.getvalue().startswith(b"<?xml"), name


def test_drawing_leaves_no_global_state(results):
    import matplotlib.pyplot as plt

    figures.plot_fixed_rate(results["fixed-rate-sp"])
    assert plt.get_fignums() == []


def test_control_an_unreadable_picture_is_caught():
    figure, axes = shared.canvas(2)
    axes[0, 0].plot([1, 2], label="N = 64")
    axes[0, 0].plot([2, 1], label="N = 64")
    axes[0, 0].set(xlabel="step", ylabel="loss")
    assert problems(figure) == ["axes 1: no label", "axes 1: empty", "no legend"]
    axes[0, 0].legend()
    assert "axes 0: 'N = 64' twice" in problems(figure)


def test_prediction_is_drawn_through_what_was_measured(results, limits):
    """The dots of a trained network lie on a drawn line: same numbers, to the rounding of the closure."""
    data = results["agreement-mup"]
    ax = figures.plot_agreement(data, limits["mup"]).axes[1]
    lines = np.concatenate(
        [np.atleast_1d(line.get_ydata()) for line in ax.lines if line.get_linestyle() == "-"]
    )
    measured = data.sharpness.sel(origin="measured", width=64).isel(seed=0, step=[0, -1]).values
    for value in measured:
        assert np.nanmin(np.abs(lines / value - 1)) <= 1e-6


def test_band_leaves_out_what_was_not_run():
    _, axes = shared.canvas(1)
    values = np.array([[1.0, 2.0, 3.0], [3.0, 4.0, np.inf], [np.nan] * 3])
    shared.band(axes[0, 0], np.arange(3.0), values, color="black")
    x, y = axes[0, 0].lines[0].get_data()
    assert (x.tolist(), y.tolist()) == ([0.0, 1.0], [2.0, 3.0])


def test_points_carry_the_fitted_line():
    found = fit.slope([1.0, 2.0, 4.0], np.array([[1.0, 1.1], [2.0, 2.1], [4.0, 4.1]]))
    _, axes = shared.canvas(1)
    shared.points_with_slope(axes[0, 0], found, label="slope", color="black")
    x, y = axes[0, 0].lines[-1].get_data()
    slope = math.log(y[-1] / y[0]) / math.log(x[-1] / x[0])
    assert slope == pytest.approx(found.value, rel=1e-12)


def test_palette_is_of_distinct_colours():
    assert len({colour.lower() for colour in shared.PALETTE}) == len(shared.PALETTE)
    assert len(set(shared.COLOURS.values())) == len(shared.COLOURS) == len(PARAMETRIZATIONS)
    assert len({str(colour) for colour in shared.shades(7)}) == 7
