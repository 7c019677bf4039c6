"""Trajectories of the two-layer linear network: many networks at once are each network by itself."""

from fractions import Fraction

import numpy as np
import pytest

from scalewright.sim import fit, linear, uv
from scalewright.theory import mlp, named


def test_identity_many_at_once_are_each_by_itself(rules):
    arguments = {"steps": 20, "loss": uv.CrossEntropy(0.6), "warmup": 4, "decay": 0.01}
    widths, lrs = [64, 4096, 10**6], [0.2, 1.0]
    all_at_once = uv.trajectory(rules["sp"], widths=widths, lrs=lrs, seeds=[0, 3], **arguments)
    assert dict(all_at_once.sizes) == {"width": 3, "seed": 2, "lr": 2, "step": 21}
    for width in widths:
        one = uv.trajectory(rules["sp"], widths=[width], lrs=[1.0], seeds=[3], **arguments)
        chosen = all_at_once.sel(width=[width], lr=[1.0], seed=[3])
        assert np.array_equal(chosen.outputs, one.outputs)
        assert np.array_equal(chosen.ntk, one.ntk)


def test_oracle_sim_linear_under_the_squared_loss(rules):
    """Independent: `sim.linear` follows Gram matrices of networks with any inputs and outputs; its state is
    set to the draw of this one."""
    width, lr = 256, 0.7
    rule = rules["mup"]
    found = uv.trajectory(rule, widths=[width], lrs=[lr], steps=15, loss=uv.Squared(1.0))
    numbers = rule.at(width=width, inputs=1, outputs=1, gamma=1)
    forward = numbers["input.weight"].multiplier * numbers["readout.weight"].multiplier
    problem = linear.Problem(np.eye(1), np.ones((1, 1)))
    by = linear.coefficients(rule, width=width, inputs=1, outputs=1, gamma=1, lr=lr)
    from scalewright.sim.uv import model

    gram = model.initial(model.factors(rule, [width]), [width], [0])
    stds = numbers["input.weight"].init_std, numbers["readout.weight"].init_std
    parts = [gram.a / stds[0] ** 2, gram.b / stds[1] ** 2, gram.c / (stds[0] * stds[1])]
    scale = float(width) ** float(by.kappa)
    state = linear.State(
        parts[0][..., None] / width, parts[1][..., None] / width, parts[2][..., None] / width * scale
    )
    theirs = linear.trajectory(problem, rule, width=width, lr=lr, steps=15, state=state)
    assert forward > 0
    assert found.loss.values[0, 0, 0] == pytest.approx(theirs.loss.values[0], rel=1e-9)


def test_warmup_raises_the_rate_linearly(rules):
    """With a warm-up of 4 the first step is a quarter of the whole one."""
    full, quarter = (
        uv.trajectory(rules["sp"], widths=[100], lrs=[lr], steps=1, warmup=warmup)
        for lr, warmup in ((0.0025, 0), (0.01, 4))
    )
    assert np.array_equal(full.outputs, quarter.outputs)


@pytest.mark.parametrize("c", ["1", "1/2", "1/4"])
def test_identity_cross_entropy_moves_outputs_as_its_window_says(c):
    """At the rate n^-c outputs grow as n^(1-c) and the kernel stays. Widths from 10^6, where finite-width
    corrections, n^-1/2, are a thousandth; 3 standard errors."""
    widths = [10**k for k in range(6, 13)]
    rule = named(mlp(2, "linear"), "sp", "sgd").with_lr({"width": f"-{c}"})
    run = uv.trajectory(rule, widths=widths, lrs=[0.5], steps=8, seeds=range(64), loss=uv.CrossEntropy())
    moved = ((run.outputs - run.outputs.isel(step=0)) ** 2).isel(step=slice(1, None), lr=0).mean("step")
    slope = fit.slope(widths, moved.values, average="mean")
    assert abs(slope.value / 2 - (1 - float(Fraction(c)))) < 3 * slope.standard_error / 2 + 1e-3
    assert slope.standard_error < 0.02
    assert float(abs(run.ntk / run.ntk.isel(step=0) - 1).max()) < 0.01


@pytest.mark.parametrize("loss", ["squared", "cross-entropy"])
def test_oracle_the_calculus_at_every_rate(loss):
    """Independent: `theory.mechanism` counts powers; here numbers are multiplied, from far beyond the edges
    to inside. Geometric means over 256 draws at 10^11 to 10^15 units; 4 standard errors, and 0.02 for
    corrections, which go as n^-1/4 at c = 3/4."""
    from scalewright.theory import mechanism

    widths, chosen = [10**k for k in range(11, 16)], uv.CrossEntropy() if loss == "cross-entropy" else None
    derived = mechanism(mlp(2, "linear"), "sp", "sgd", loss)
    for c in ("-1/2", "-1/4", "0", "1/4", "1/2", "3/4"):
        rule = named(mlp(2, "linear"), "sp", "sgd").with_lr({"width": -Fraction(c)})
        run = uv.trajectory(rule, widths=widths, lrs=[0.5], steps=3, seeds=range(256), loss=chosen)
        moved = ((run.outputs - run.outputs.isel(step=0)) ** 2).isel(lr=0)
        for step in (1, 2, 3):
            exponent = derived.change("readout", step).at(c)
            if exponent > 10:
                continue  # beyond the range of numbers
            slope = fit.slope(widths, moved.isel(step=step).values)
            assert abs(slope.value / 2 - float(exponent)) < 4 * slope.standard_error / 2 + 0.02, (c, step)


def test_control_far_beyond_the_edges_products_of_updates_are_less_aligned():
    """At c = -1 updates of both layers multiply from the first step on. Counted as aligned, as trained layers
    are, they give n^(9/2) under cross-entropy; this model, whose layers meet at random, has n^4."""
    from scalewright.theory import mechanism

    widths = [10**k for k in range(11, 16)]
    rule = named(mlp(2, "linear"), "sp", "sgd").with_lr({"width": 1})
    run = uv.trajectory(rule, widths=widths, lrs=[0.5], steps=2, seeds=range(64), loss=uv.CrossEntropy())
    slope = fit.slope(widths, ((run.outputs - run.outputs.isel(step=0)) ** 2).isel(lr=0, step=2).values)
    derived = mechanism(mlp(2, "linear"), "sp", "sgd").change("readout", 2).at(-1)
    assert derived == Fraction(9, 2)
    assert slope.value / 2 == pytest.approx(4, abs=0.1)


def test_control_the_squared_loss_adds_an_exponent_a_step():
    """At n^-3/4 outputs after t steps go as n^(t / 4): theory.mechanism says t (1 - c)."""
    from scalewright.theory import mechanism

    widths = [10**k for k in range(9, 14)]
    rule = named(mlp(2, "linear"), "sp", "sgd").with_lr({"width": "-3/4"})
    run = uv.trajectory(rule, widths=widths, lrs=[1.0], steps=3, seeds=range(64))
    predicted = mechanism(mlp(2, "linear"), "sp", "sgd", "squared")
    for step in (1, 2, 3):
        moved = abs(run.outputs - run.outputs.isel(step=0)).isel(step=step, lr=0).values
        slope = np.polyfit(np.log(widths), np.log(moved).mean(1), 1)[0]
        exponent = predicted.change("readout", step).at("3/4")
        assert slope == pytest.approx(float(exponent), abs=0.02), step
        assert float(exponent) == step / 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lrs": [0.1, -1.0]}, "uv: lrs must be a list of positive finite numbers; given [0.1, -1.0]"),
        ({"lrs": []}, "uv: lrs must be a list of positive finite numbers; given []"),
        ({"steps": -1}, "uv: steps must be an integer of at least 0; given -1"),
        ({"warmup": 1.5}, "uv: warmup must be an integer of at least 0; given 1.5"),
        ({"decay": -0.1}, "uv: decay must be at least 0 and finite; given -0.1"),
        ({"point": 0.0}, "uv: point must be finite and not 0; given 0.0"),
    ],
)
def test_bad_input(rules, change, message):
    with pytest.raises(ValueError) as caught:
        uv.trajectory(rules["sp"], **{"widths": [8], "lrs": [0.1], "steps": 2, **change})
    assert str(caught.value) == message


def test_a_loss_by_name_is_refused(rules):
    with pytest.raises(TypeError) as caught:
        uv.trajectory(rules["sp"], widths=[8], lrs=[0.1], steps=2, loss="squared")
    assert str(caught.value) == (
        "uv.trajectory: loss must be uv.Squared(...) or uv.CrossEntropy(...); given 'squared'"
    )
    with pytest.raises(TypeError, match=r"uv.edge: loss must be uv.Squared\(...\) or uv.CrossEntropy"):
        uv.edge(rules["sp"], widths=[8], loss="ce")
    with pytest.raises(TypeError, match=r"uv.wide: loss must be uv.CrossEntropy\(...\); given Squared"):
        uv.wide(1, lrs=[0.1], steps=1, loss=uv.Squared())
