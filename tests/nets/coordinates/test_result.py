"""Slopes of made-up sizes: known powers are found, what has none is left out, what can't be is refused."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from scalewright.nets.coordinates.result import CoordinateCheck, Unstable

WIDTHS = (64, 128, 256)


def made(widths=WIDTHS, seeds=4, powers=(-1.0, 0.0), **changes):
    """Two layers; effective updates with known powers and 1 % of noise, no propagating one in the first."""
    rng = np.random.default_rng(0)
    shape = (len(widths), seeds, 1, 2)
    noise = np.exp(0.01 * rng.standard_normal(shape))
    values = np.array(widths)[:, None, None, None] ** np.array(powers) * noise
    passed = values.copy()
    passed[..., 0] = 0.0
    dims = ("width", "seed", "step", "layer")
    variables = {"effective": (dims, values), "propagating": (dims, passed), "total": (dims, values.copy())}
    coords = {
        "width": list(widths),
        "seed": range(seeds),
        "step": [3],
        "layer": ["input.weight", "blocks.7.up.weight"],
    }
    return CoordinateCheck(xr.Dataset(variables, coords), {}, (), **changes)


def test_known_powers_are_found():
    found = made()
    for layer, power in zip(found.layers, (-1.0, 0.0), strict=True):
        slope = found.slope(layer, "effective")
        assert abs(slope.value - power) < 4 * slope.standard_error


def test_what_is_exactly_zero_has_no_row_and_no_slope():
    found = made()
    rows = [(row.layer, row.part) for row in found.rows()]
    assert ("input.weight", "propagating") not in rows
    assert ("blocks.7.up.weight", "propagating") in rows
    with pytest.raises(ValueError, match=r"propagating of input\.weight is exactly zero"):
        found.slope("input.weight", "propagating")


def test_predictions_stand_beside_and_blocks_share_theirs():
    expected = SimpleNamespace(effective=-1.0, propagating=None, total=-1.0)
    block = SimpleNamespace(effective=0.0, propagating=0.5, total=0.5)
    found = made(predicted={"input.weight": expected, "blocks.up.weight": block})
    assert {(row.layer, row.part): row.predicted for row in found.rows()} == {
        ("input.weight", "effective"): -1.0,
        ("input.weight", "total"): -1.0,
        ("blocks.7.up.weight", "effective"): 0.0,
        ("blocks.7.up.weight", "propagating"): 0.5,
        ("blocks.7.up.weight", "total"): 0.5,
    }
    assert "| input.weight | effective | -1.00 |" in found.to_markdown()
    assert found.to_json()["rows"][0]["predicted"] == -1.0


def test_local_slopes_show_a_power_that_moves():
    found = made(widths=(10, 100, 1000))
    local = found.local_slopes("input.weight", "effective")
    assert [round(place) for place in local] == [32, 316]
    assert [slope.value for slope in local.values()] == pytest.approx([-1, -1], abs=0.02)


def test_control_one_width_has_no_slope():
    found = made(widths=(64,))
    assert found.values("input.weight", "effective")[64].shape == (4,)
    with pytest.raises(ValueError, match=r"one width has no slope; given \[64\]"):
        found.rows()


def test_runs_that_were_not_stable_do_not_count():
    found = made()
    found.data["effective"][2, 0] = np.nan
    assert found.values("input.weight", "effective")[256].shape == (3,)
    assert np.isfinite(found.slope("input.weight", "effective").value)
    assert "nan" not in found.to_markdown()
    found.data["effective"][1:] = np.nan
    with pytest.raises(ValueError, match="two widths with at least two stable seeds each; given 1"):
        found.slope("input.weight", "effective")


def test_a_part_that_vanishes_in_most_runs_is_left_out_and_the_others_stay():
    found = made()
    found.data["effective"][1:, :, :, 0] = 0.0
    rows = {(row.layer, row.part) for row in found.rows()}
    assert ("input.weight", "effective") not in rows
    assert ("input.weight", "total") in rows


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"layer must be one of input.weight, blocks.7.up.weight; given 'x'"):
        made().slope("x", "effective")
    with pytest.raises(ValueError, match="quantity must be one of effective, propagating, total; given 'x'"):
        made().slope("input.weight", "x")
    with pytest.raises(ValueError, match="step must be one of 3; given 1"):
        made().slope("input.weight", "effective", step=1)


def test_unstable_runs_are_plain_data():
    found = CoordinateCheck(made().data, {"x": "why"}, (Unstable(64, 0, 2, "loss"),))
    assert found.to_json()["unstable"] == [{"width": 64, "seed": 0, "step": 2, "layer": "loss"}]
    assert found.to_json()["skipped"] == {"x": "why"}
