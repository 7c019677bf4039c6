"""Predictions laid over measurements: alignment, the error against width, and what is undecided."""

import numpy as np
import pytest

from scalewright.sim.compare import aligned, compare, plot_errors
from scalewright.sim.dataset import dataset

STEPS = np.arange(6)
CURVE = np.exp(-0.3 * STEPS)


def predicted():
    return dataset({"loss": (("step",), CURVE)}, {"step": STEPS}, {"gamma": 1.0})


def measured(width, *, seeds=40, power=0.5, bias=0.0, rng=None):
    rng = np.random.default_rng(width) if rng is None else rng
    noise = rng.standard_normal((seeds, 1)) * width**-power + bias / width
    loss = (CURVE + noise * np.sin(STEPS))[:, None, :]
    return dataset(
        {"loss": (("seed", "lr", "step"), loss)}, {"seed": np.arange(seeds), "lr": [0.1], "step": STEPS}
    )


def test_identity_a_power_that_was_put_in_is_found():
    """40 networks a width, |normal| deviations: the 95 % interval holds -1/2, and excludes -1."""
    found = compare(predicted(), {n: measured(n) for n in (64, 256, 1024)})
    assert found.exponent.low < -0.5 < found.exponent.high
    assert found.exponent.low > -1
    assert found.status == "undecided"
    assert found.bias_exponent is None


def test_identity_a_bias_beyond_four_standard_errors_is_decided():
    """The mean is off by 3/N, the noise of 40 networks by 0.01/sqrt(N): the power is -1."""
    runs = {n: measured(n, bias=3.0, power=1.5) for n in (32, 64, 128, 256)}
    found = compare(predicted(), runs)
    assert found.status == "decided"
    assert found.bias_exponent == pytest.approx(-1, abs=0.05)


def test_identity_alignment_goes_by_the_value_of_the_step():
    other = measured(64).isel(step=[4, 2, 0])
    rows = aligned(predicted(), other, "loss")
    whole = aligned(predicted(), measured(64), "loss")
    assert rows.shape == (40, 3)
    assert np.allclose(np.sort(rows), np.sort(whole[:, [0, 2, 4]]))


@pytest.mark.parametrize(
    ("runs", "quantity", "said"),
    [
        ({64: measured(64)}, "loss", "at least 2 widths; given [64]"),
        ({64: measured(64), 128: measured(128)}, "ntk", "predicted has no 'ntk'"),
        ({64: measured(64) * np.nan, 128: measured(128)}, "loss", "no step has 'loss' of every network"),
    ],
)
def test_control_what_cannot_be_compared_is_refused(runs, quantity, said):
    with pytest.raises(ValueError) as caught:
        compare(predicted(), runs, quantity=quantity)
    assert said in str(caught.value)


def test_control_a_prediction_that_diverged_is_refused():
    gone = predicted().assign(diverged_at=3)
    with pytest.raises(ValueError, match="must not have diverged"):
        compare(gone, {n: measured(n) for n in (64, 256)})


def test_identity_the_picture_shows_every_network():
    found = compare(predicted(), {n: measured(n, seeds=5) for n in (64, 256)})
    ax = plot_errors(found)
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert sum(len(line.get_xdata()) for line in dots) == 10
