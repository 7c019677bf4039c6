"""Edges by bisection: brackets that hold, slopes that theory derives, and grids that don't reach."""

from fractions import Fraction

import numpy as np
import pytest

from scalewright.sim import uv
from scalewright.theory import edges, mlp

WIDTHS = [64, 1024, 2**14, 2**17, 10**6]


def test_literature_squared_loss_standard_parametrization(rules):
    """Haas et al. 2025: the largest rate of the UV model falls as n^-1.00 +- 0.01 up to n = 10^6. It is
    4 / n, twice the linear stability 2 / n: a catapult lowers the kernel by a constant factor and no more."""
    found = uv.edge(rules["sp"], widths=WIDTHS, seeds=range(24), criterion="kernel")
    slope = found.slope()
    assert -1.01 < slope.low < slope.high < -0.99
    assert set(found.status.ravel()) == {"bracketed"}
    assert (found.rate[-1] * WIDTHS[-1]) == pytest.approx(4.0, rel=0.01)


def test_literature_other_parametrizations_do_not_move(rules):
    for name in ("ntp", "mup"):
        slope = uv.edge(rules[name], widths=WIDTHS, seeds=range(24), criterion="kernel").slope()
        assert -0.01 < slope.low < slope.high < 0.01, name


def test_identity_cross_entropy_has_two_edges(rules):
    """Bounded outputs up to n^-1, bounded kernel up to n^0: what theory derives for two layers."""
    derived = edges(mlp(2, "linear"), "sp", "sgd", "cross-entropy")
    for criterion, power in (("peak", derived.bounded_logits), ("kernel", derived.feature_learning)):
        found = uv.edge(
            rules["sp"], widths=WIDTHS, seeds=range(24), criterion=criterion, loss=uv.CrossEntropy()
        )
        slope = found.slope()
        assert abs(slope.value - float(power.exponent("width"))) < 0.03, criterion
    assert derived.feature_learning.exponent("width") == Fraction(0)


def test_identity_brackets_hold(rules):
    """The lower end of every bracket is stable and the upper one isn't, by the trajectory itself."""
    found = uv.edge(rules["ntp"], widths=[64, 1024], seeds=[0, 1], steps=50, tolerance=0.01)
    assert (found.high / found.low - 1 <= 0.01).all()
    for row, width in enumerate(found.widths):
        for column, seed in enumerate(found.seeds):
            ends = [found.low[row, column], found.high[row, column]]
            run = uv.trajectory(rules["ntp"], widths=[width], lrs=ends, steps=50, seeds=[seed])
            last = np.abs(run.outputs.values[0, 0, :, -1])
            assert last[0] < 100
            assert not last[1] < 100


def test_weight_decay_leaves_the_exponent(rules):
    found = uv.edge(rules["sp"], widths=WIDTHS, seeds=range(8), decay=0.1, criterion="kernel")
    assert found.slope().value == pytest.approx(-1, abs=0.02)


def test_censored_grids_are_said(rules):
    """Rates all below the edge, or all above it: no bracket, no slope, and the advice."""
    low = uv.edge(rules["sp"], widths=[64, 256], seeds=[0, 1], rates=(1e-9, 1e-8))
    high = uv.edge(rules["sp"], widths=[64, 256], seeds=[0, 1], rates=(1.0, 10.0))
    assert set(low.status.ravel()) == {"never unstable"}
    assert set(high.status.ravel()) == {"never stable"}
    assert np.isnan(low.rate).all()
    assert high.advice == {"never stable": "the lowest rate is unstable already: lower the range of rates"}
    with pytest.raises(ValueError) as caught:
        low.slope()
    assert str(caught.value) == (
        "uv.Edge.slope: needs at least two widths, each with brackets of at least two seeds; given fewer at "
        "width 64: the highest rate is stable still: raise the range of rates"
    )


def test_one_width_has_no_slope(rules):
    found = uv.edge(rules["sp"], widths=[64], seeds=[0, 1], steps=20)
    with pytest.raises(ValueError, match=r"at least two widths, .*; given \[64\]"):
        found.slope()


def test_control_the_logits_of_cross_entropy_do_not_have_the_edge_of_the_kernel(rules):
    """The bound on outputs must not be mistaken for the bound on weights: their slopes differ by one."""
    slopes = [
        uv.edge(rules["sp"], widths=WIDTHS, seeds=range(8), criterion=name, loss=uv.CrossEntropy()).slope()
        for name in ("peak", "kernel")
    ]
    assert slopes[1].low - slopes[0].high > 0.9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"rates": (1.0, 0.1)},
            "uv.edge: rates must be two positive numbers, the lower first; given (1.0, 0.1)",
        ),
        ({"criterion": "loss"}, "uv.edge: criterion must be one of outputs, peak, kernel; given 'loss'"),
        ({"tolerance": 0.0}, "uv.edge: tolerance must be between 0 and 1; given 0.0"),
        ({"warmup": 1.5}, "uv.edge: warmup must be a number of steps or a share of them; given 1.5"),
        ({"duration": 0.0}, "uv.edge: duration must be positive and finite; given 0.0"),
        ({"bound": -1.0}, "uv.edge: bound must be positive and finite; given -1.0"),
    ],
)
def test_bad_input(rules, change, message):
    with pytest.raises(ValueError) as caught:
        uv.edge(rules["sp"], widths=[8], **change)
    assert str(caught.value) == message
