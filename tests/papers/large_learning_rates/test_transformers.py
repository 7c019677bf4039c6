"""Transformers: their start, the windows they train on, and their grids."""

import numpy as np
import pytest
import torch
import xarray as xr

from scalewright.nets.objective import Objective
from scalewright.papers.large_learning_rates import gpt_verdicts, transformers


@pytest.mark.parametrize("gains", ["fixed", "trainable"])
def test_all_weights_start_as_in_gpt_neox(gains):
    members = transformers.networks("adam", gains, 64, seeds=[0], lrs=[1.0], device="cpu")
    spread = members.parameters["embedding.weight"].std().item()
    # 4 standard errors of a deviation over 256 x 64 weights.
    assert spread == pytest.approx((0.4 / 64) ** 0.5, rel=4 / (2 * 256 * 64) ** 0.5)
    assert ("norm.weight" in members.parameters) == (gains == "trainable")


def test_windows_are_the_same_for_every_member_and_apart_from_the_held_out_ones():
    feed = transformers.Windows(3)
    first, second = feed.batch(0), feed.batch(1)
    assert first.shared
    assert first.inputs.shape == (transformers.BATCH, transformers.CONTEXT)
    assert not torch.equal(first.inputs, second.inputs)
    assert torch.equal(first.inputs[:, 1:], first.targets[:, :-1])
    assert len(feed.evaluation.inputs) == transformers.HELD


@pytest.mark.parametrize(("optimizer", "power"), [("sgd", -0.5), ("adam", -1)])
def test_the_predicted_powers_are_derived(optimizer, power):
    assert transformers.derived_edge(optimizer) == power


@pytest.mark.parametrize(("power", "outcome"), [(-1.0, "pass"), (-0.2, "fail")])
def test_best_rates_are_judged_against_theory(results, power, outcome):
    data = results["gpt-adam-fixed"].copy(deep=True)
    data = data.pad(lr=(4, 4)).assign_coords(width=[32, 64])
    steps = np.sqrt(2.0) ** np.arange(-5, 6)
    rate = np.array([[1.0], [0.5]]) * steps[: data.sizes["lr"]]
    best = np.array([1.0, 2.0**power])[:, None, None]
    noise = np.exp(0.01 * np.random.default_rng(0).standard_normal((2, 2, 1)))
    data = data.assign_coords(rate=(("width", "lr"), rate), lr=range(rate.shape[1]))
    data["loss"] = (("width", "seed", "lr"), 1 + np.log(rate[:, None] / best / noise) ** 2)
    data["diverged_at"] = (("width", "seed", "lr"), np.full((2, 2, rate.shape[1]), -1))
    (row,) = gpt_verdicts.optimum(data)
    assert (row.predicted, row.verdict) == (-1.0, outcome)


def test_identity_rates_fall_linearly_to_zero():
    """Two steps of SGD by hand: the whole rate, then half of it."""
    feed = transformers.Windows(2)
    members = transformers.networks("sgd", "fixed", 16, seeds=[0], lrs=[0.3], device="cpu")
    by_hand = transformers.networks("sgd", "fixed", 16, seeds=[0], lrs=[0.3], device="cpu")
    transformers.Decaying(members, feed, steps=2, loss="cross-entropy", recorded=[0, 2]).run()
    for step, rate in ((0, 0.3), (1, 0.15)):
        batch = feed.batch(step)
        _, gradients = Objective.of(by_hand, "cross-entropy", batch).gradient()
        for name, weight in by_hand.parameters.items():
            weight.sub_(rate * gradients[name])
    for name, weight in members.parameters.items():
        # float32 over two steps of entries below 1
        torch.testing.assert_close(weight, by_hand.parameters[name], rtol=1e-5, atol=1e-6)


def valleys(gains, power, *, own, seeds=4):
    """Valleys of loss whose lowest rates scale as n^power, times a factor that is a seed's own."""
    widths, steps = np.array([32, 64, 128]), np.sqrt(2.0) ** np.arange(-5, 6)
    rate = widths[:, None] / 32.0
    rate = rate**-1.0 * steps
    best = (widths / 32.0)[:, None, None] ** power * own[None, :, None]
    dims = ("width", "seed", "lr")
    variables = {
        "loss": (dims, 1 + np.log(rate[:, None] / best) ** 2),
        "diverged_at": (dims, np.full((3, seeds, len(steps)), -1)),
    }
    coords = {"width": widths, "seed": range(seeds), "lr": range(len(steps)), "rate": (("width", "lr"), rate)}
    return xr.Dataset(variables, coords, {"optimizer": "adam", "gains": gains, "steps": 3})


def test_identity_what_a_seed_has_under_both_gains_drops_out_of_the_difference():
    own = np.exp(0.3 * np.random.default_rng(0).standard_normal(4))
    found, said = gpt_verdicts.raised(valleys("fixed", -1.0, own=own), valleys("trainable", -0.6, own=own))
    assert said == ""
    # Parabolas through log(1 + x^2) err by less than a tenth of a step of the grid.
    assert found.value == pytest.approx(0.4, abs=0.1 * np.log(2) / 2)
    assert found.high - found.low < 0.2 < np.ptp(np.log(own))


def test_control_gains_that_change_the_power_contradict_theory():
    own = np.ones(4)
    runs = {("adam", "fixed"): valleys("fixed", -1.0, own=own)}
    assert gpt_verdicts.gains(runs) == []
    same = gpt_verdicts.gains(runs | {("adam", "trainable"): valleys("trainable", -1.0, own=own)})
    other = gpt_verdicts.gains(runs | {("adam", "trainable"): valleys("trainable", -0.42, own=own)})
    assert {row.id: row.verdict for row in same} == {"gpt-adam-gains": "pass", "gpt-adam-gains-paper": "fail"}
    assert {row.id: row.verdict for row in other} == {
        "gpt-adam-gains": "fail",
        "gpt-adam-gains-paper": "pass",
    }


def test_a_grid_without_its_best_rate_gives_no_difference():
    own = np.ones(4)
    outside = valleys("trainable", 1.5, own=own)
    found, said = gpt_verdicts.raised(valleys("fixed", -1.0, own=own), outside)
    assert np.isnan(found.value)
    assert "at the upper edge" in said
