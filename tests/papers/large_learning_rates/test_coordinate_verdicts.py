"""Made-up coordinate checks: predicted powers pass, others fail; Adam's edge is where a line crosses 0."""

from fractions import Fraction

import numpy as np
import pytest
import xarray as xr

from scalewright.papers.large_learning_rates import coordinate_verdicts as verdicts
from scalewright.papers.large_learning_rates.coordinates import Check, predicted
from scalewright.sim import fit

HALF = Check("SGD at n^-1/2", "sgd", Fraction(1, 2), 0.3)
LAYERS = ("input.weight", "hidden.0.weight", "hidden.1.weight", "readout.weight")


def made(check, *, off=0.0, seeds=12, noise=0.02):
    """Sizes that have every predicted power, plus `off`."""
    widths, rng = np.array([64, 128, 256, 512]), np.random.default_rng(0)
    dims, shape = ("width", "seed", "step", "layer"), (4, seeds, 2, 4)
    slopes = predicted(check, 4)
    variables = {}
    for part in ("effective", "propagating", "total"):
        powers = np.array([getattr(slopes[layer], part) or 0.0 for layer in LAYERS]) + off
        variables[part] = widths[:, None, None, None] ** powers * np.exp(noise * rng.standard_normal(shape))
    for name, power in (("activation", 0.0), ("gradient", -0.5), ("input_change", 0.0)):
        variables[name] = widths[:, None, None, None] ** (power + off) * np.exp(
            noise * rng.standard_normal(shape)
        )
    coords = {"width": widths, "seed": range(seeds), "step": [1, 4], "layer": list(LAYERS)}
    return xr.Dataset({k: (dims, v) for k, v in variables.items()}, coords, {"layers": 4})


@pytest.mark.parametrize(("off", "outcome"), [(0.0, "pass"), (0.3, "fail")])
def test_updates_are_held_against_theory(off, outcome):
    rows = verdicts.updates("x", HALF, made(HALF, off=off), step=1)
    assert [row.predicted for row in rows] == [-1.0, 0.0, 0.5, 0.5, 0.5]
    assert {row.verdict for row in rows} == {outcome}


@pytest.mark.parametrize(("off", "outcome"), [(0.0, "pass"), (0.3, "fail")])
def test_growth_inside_the_window(off, outcome):
    check = Check("SGD at n^-3/4", "sgd", Fraction(3, 4), 0.1)
    rows = verdicts.growth("x", check, made(check, off=off))
    assert [row.predicted for row in rows] == [0.25, 0.0, -0.5]
    assert {row.verdict for row in rows} == {outcome}


def test_control_activations_that_stay_fail_below_the_window():
    check = Check("SGD at n^-1/2", "sgd", Fraction(1, 2), 1.0)
    assert verdicts.catastrophic("x", check, made(check))[0].verdict == "fail"
    assert verdicts.catastrophic("x", check, made(check, off=0.4))[0].verdict == "pass"


def test_a_power_that_rises_with_the_width_is_seen():
    data = made(HALF)
    (flat,) = verdicts.rising("x", HALF, data)
    assert flat.verdict == "undecided"
    bend = np.array([0.0, 0.1, 0.4, 0.9])[:, None, None, None]
    data["propagating"] = data.propagating * np.exp(bend)
    (row,) = verdicts.rising("x", HALF, data)
    assert (row.expected, row.verdict) == ("break", "pass")


@pytest.mark.parametrize(("many", "power"), [(None, 0.5), (4096, 0.0)])
def test_amplification_by_the_readout(many, power):
    check = Check("x", "sgd", None, 0.02, "sp-full-align", many=many)
    data = made(check)
    data["propagating"] = data.input_change * data.width**power
    (row,) = verdicts.passed_on("x", check, data)
    assert (row.predicted, row.verdict) == (power, "pass")
    data["propagating"] = data.propagating * data.width**0.3
    assert verdicts.passed_on("x", check, data)[0].verdict == "fail"


def test_oracle_the_crossing_of_a_line_and_its_error():
    """Against draws: the interval of the crossing is that of repeated noise."""
    powers, rng = np.array([0.75, 1.0, 1.25, 1.5]), np.random.default_rng(0)

    def cross(values):
        return verdicts.crossing(powers, [fit.Slope(v, 0.03, v - 0.06, v + 0.06, 10) for v in values])

    exact = cross(1.1 - powers)
    assert exact.value == pytest.approx(1.1, abs=1e-12)
    drawn = np.std([cross(1.1 - powers + 0.03 * rng.standard_normal(4)).value for _ in range(400)])
    # The deviation of 400 draws is known to 1 / sqrt(800): 4 sigma, and the line's curvature.
    assert exact.standard_error == pytest.approx(drawn, rel=4 / 800**0.5 + 0.02)
