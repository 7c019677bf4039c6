"""The search finds the edge that theory gives, says when a grid does not hold it, and has a picture."""

from functools import partial

import numpy as np
import pytest
import torch

from scalewright import nets, theory

BUILD = partial(nets.models.mlp, 2, activation="linear")


def rule(name="mup"):
    return theory.named(theory.mlp(2, "linear", loss="squared"), name, "sgd")


def search(**options):
    eye = torch.eye(2)
    kept = {"widths": [64, 128, 256], "start": 2.0, "steps": 12, "seeds": range(4), "device": "cpu"}
    return nets.search_rates(BUILD, rule(), (eye, eye[:, :1]), inputs=2, outputs=1, **{**kept, **options})


@pytest.fixture(scope="module")
def found():
    return search()


def test_mup_keeps_the_largest_stable_rate(found):
    assert [rate.status for rate in found.largest_stable] == ["interior"] * 3
    slope = found.slope()
    assert slope.low < 0 < slope.high
    assert abs(slope.value) < 0.25


def test_oracle_networks_one_by_one_diverge_where_the_search_says(found):
    """At a grid step above the largest stable rate of a seed a network trained alone does not learn."""
    eye, width = torch.eye(2), found.widths[0]
    grid = found.trajectory.rate.values[0]
    edge = found.largest_stable[0].seed_values[0]
    for lr, learns in ((grid[grid < edge][-1], True), (grid[grid > edge][0], False)):
        alone = nets.Ensemble.of(
            BUILD, rule(), width=width, inputs=2, outputs=1, lrs=[lr], dtype=torch.float32, device="cpu"
        )
        run = nets.train(alone, (eye, eye[:, :1]), steps=12, quantities=())
        first, last = run.loss.values[0, 0, [0, -1]]
        assert (bool(run.diverged_at < 0) and last < first) == learns


def test_best_lies_below_the_largest_stable(found):
    for best, top in zip(found.best, found.largest_stable, strict=True):
        assert best.value < top.value


def test_grids_move_with_the_power():
    moved = search(power=-1.0, steps=2).trajectory.rate.values
    assert np.allclose(moved[0] / moved[1], 2)
    assert np.allclose(moved[0][1:] / moved[0][:-1], 2**0.5)


@pytest.mark.parametrize(("start", "status"), [(1e-3, "at the upper edge"), (1e4, "no stable rate")])
def test_control_a_grid_that_does_not_hold_the_edge_is_censored(start, status):
    censored = search(start=start, widths=[64, 128])
    assert {rate.status for rate in censored.largest_stable} == {status}
    with pytest.raises(ValueError, match="held by its grid"):
        censored.slope()
    assert "| 64 | - |" in censored.to_markdown()
    assert censored.plot(predicted=0.0).axes


def test_one_width_has_no_power(found):
    with pytest.raises(ValueError, match="two widths"):
        search(widths=[64], steps=2).slope()
    with pytest.raises(ValueError, match="'largest_stable' or 'best'"):
        found.slope("widest")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"widths": [64, 64]}, "widths must be increasing"),
        ({"start": 0.0}, "start must be a positive rate"),
        ({"count": 2}, "count must be at least 3"),
        ({"factor": 1.0}, "factor must be above 1"),
        ({"seeds": [1]}, "seeds must be at least 2"),
        ({"level": 0.0}, r"level must be in \(0, 1\]"),
    ],
)
def test_bad_input_is_said(options, said):
    with pytest.raises(ValueError, match=said):
        search(**options)


def test_table_and_picture_hold_every_width(found):
    assert all(f"| {width} |" in found.to_markdown() for width in found.widths)
    labels = [text.get_text() for text in found.plot(predicted=0.0).axes[0].get_legend().get_texts()]
    assert labels == ["predicted power 0", "largest stable", "best"]
