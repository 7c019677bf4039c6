"""The two-variable maps of cross-entropy: the exact map at a width, and the limits that it tends to."""

import math
from fractions import Fraction

import numpy as np
import pytest

from scalewright.sim import uv
from scalewright.theory import mlp, named


def at(c):
    """Return SP at the rate n^-c."""
    return named(mlp(2, "linear"), "sp", "sgd").with_lr({"width": 0 if c == "0" else f"-{c}"})


@pytest.mark.parametrize("c", ["0", "1/2", "1"])
def test_oracle_the_map_at_a_width(c):
    """Independent: `trajectory` follows three products of weights. The initial kernels differ by their
    fluctuations, n^-1/2 of a draw: 6 of them bound what 6 steps make of it."""
    width, point = 10**8, 1.2
    run = uv.trajectory(
        at(c), widths=[width], lrs=[0.4, 1.1], steps=6, seeds=range(3), point=point, loss=uv.CrossEntropy()
    )
    start = run.outputs.isel(width=0, lr=0, step=0).values
    found = uv.wide(c, lrs=[0.4, 1.1], steps=6, start=start, point=point, width=width)
    rescaled = run.outputs.isel(width=0) * width ** (float(Fraction(c)) - 1)
    assert np.abs(found.outputs - rescaled).max() < 60 / math.sqrt(width)
    # trajectory weighs the kernel by the rate over the base rate, n^-c, and doesn't divide by n.
    kernel = run.ntk.isel(width=0) * width ** (float(Fraction(c)) - 1)
    assert np.abs(found.ntk - kernel).max() < 60 / math.sqrt(width)


def test_identity_the_limit_is_where_widths_tend_to():
    """At c = 0 the distance to the limit falls with the width; before an output comes near 0 again."""
    limit = uv.wide(0, lrs=[0.5], steps=4, start=[1.0])
    gaps = [
        float(abs(uv.wide(0, lrs=[0.5], steps=4, start=[1.0], width=n).outputs - limit.outputs).max())
        for n in (10**3, 10**5, 10**7)
    ]
    assert gaps[0] > 10 * gaps[1] > 100 * gaps[2]


def test_identity_between_the_edges_the_kernel_is_fixed():
    """0 < c < 1: all have one limit, a perceptron whose output steps by eta (1 - p) down or eta p up."""
    one, two = (uv.wide(c, lrs=[0.5], steps=60, start=[1.0]) for c in ("1/4", "3/4"))
    assert np.array_equal(one.outputs, two.outputs)
    assert (one.ntk == 1).all()
    steps = np.diff(one.outputs.values[0, 0])[1:]  # the first step sees the initial logit
    assert np.isin(np.round(steps, 12), np.round([-0.5 * 0.3, 0.5 * 0.7], 12)).all()
    assert float(abs(one.outputs).max()) <= 0.5


def test_oracle_the_edge_of_the_limit_is_that_of_wide_networks():
    """Independent: bisection on networks of 10^6 units; the limit is scanned in steps of 0.01."""
    rates = np.arange(1.5, 3.0, 0.01)
    run = uv.wide(0, lrs=rates, steps=200, start=[1.0, -1.0])
    unstable = ~(run.ntk <= 10).all("step").values
    first = [rates[row.argmax()] for row in unstable]
    found = uv.edge(at("0"), widths=[10**6], seeds=range(8), criterion="kernel", loss=uv.CrossEntropy())
    assert np.median(found.rate) == pytest.approx(np.mean(first), rel=0.03)


def test_control_a_kernel_that_moves_is_not_the_one_that_does_not():
    moving, fixed = (uv.wide(c, lrs=[0.5], steps=60, start=[1.0]).ntk for c in (0, "1/2"))
    assert float(abs(moving / fixed - 1).max()) > 0.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"c": "3/2"}, "uv.wide: c must be from 0 to 1; given 3/2"),
        ({"width": 0.5}, "uv.wide: width must be at least 1 or math.inf; given 0.5"),
        ({"lrs": [0.0]}, "uv: lrs must be a list of positive finite numbers; given [0.0]"),
    ],
)
def test_bad_input(change, message):
    arguments = {"c": "1/2", "lrs": [1.0], "steps": 3, **change}
    with pytest.raises(ValueError) as caught:
        uv.wide(arguments.pop("c"), **arguments)
    assert str(caught.value) == message


def test_a_float_is_refused():
    with pytest.raises(TypeError, match=r"write Fraction\(1, 2\)"):
        uv.wide(0.5, lrs=[1.0], steps=1)
