"""Descent on batches: single torch networks as oracle, what is written down, divergence and freezing."""

from functools import partial

import numpy as np
import pytest
import torch

from scalewright import nets
from scalewright.nets.descent import Descent
from scalewright.nets.feeds import Minibatches, Online, Whole
from scalewright.nets.losses import LOSSES
from scalewright.nets.program import Program
from scalewright.nets.record import Precision
from scalewright.sim.streams import Teacher

SEEDS, LRS = (4, 5), (0.05, 0.1)
KINDS = {"sgd": (torch.optim.SGD, {}), "adam": (torch.optim.Adam, {})}


def feed_of(kind, data):
    """Return a feed for the four members (seed, lr) of the tests: their order is that of their seeds."""
    members = [seed for seed in SEEDS for _ in LRS]
    if kind == "minibatches":
        return Minibatches(data, 2, members)
    return Online([Teacher(3)] * 4, 2, members, evaluation=6)


@pytest.mark.parametrize("optimizer", KINDS)
@pytest.mark.parametrize("kind", ["minibatches", "online"])
def test_oracle_torch_trains_one_network_on_the_same_batches(
    ensemble, parametrization, data, optimizer, kind
):
    """Oracle: a loop over torch modules and their optimizers, 5 steps, 1e-9 in float64; both losses.

    Control: on the batches of another seed it ends somewhere else.
    """
    outputs = 2 if kind == "minibatches" else 1
    sizes = {"width": 8, "inputs": 3, "outputs": outputs, "device": "cpu"}
    rules = parametrization(3, optimizer=optimizer)
    networks = nets.Ensemble.of(
        partial(nets.models.mlp, 3, activation="tanh"), rules, **sizes, seeds=SEEDS, lrs=LRS
    )
    path = nets.train(networks, feed_of(kind, data), steps=5)
    assert path.loss.shape == path.batch_loss.shape == (2, 2, 6)
    whole = feed_of(kind, data).evaluation
    for member, (seed, lr) in enumerate((seed, lr) for seed in SEEDS for lr in LRS):
        ends = []
        for order in (member, (member + 2) % 4):
            build = partial(nets.models.mlp, 3, activation="tanh")
            module = nets.parametrize(build, rules, **sizes, seed=seed)
            steps = KINDS[optimizer][0](module.parameter_groups(lr))
            feed = feed_of(kind, data)
            inputs = whole.inputs if whole.shared else whole.inputs[member]
            targets = whole.targets if whole.shared else whole.targets[member]
            losses, batch_losses = [], []
            for step in range(6):
                batch = feed.batch(step)
                loss = (module(batch.inputs[order]) - batch.targets[order]).square().sum() / 4
                losses.append((module(inputs) - targets).square().sum().item() / 12)
                batch_losses.append(loss.item())
                steps.zero_grad()
                loss.backward()
                if step < 5:
                    steps.step()
            ends.append((losses, batch_losses))
        found = path.sel(seed=seed, lr=lr)
        np.testing.assert_allclose(found.loss, ends[0][0], rtol=1e-9)
        np.testing.assert_allclose(found.batch_loss, ends[0][1], rtol=1e-9)
        assert not np.allclose(found.loss[1:], ends[1][0][1:], rtol=1e-3)


def test_identity_batches_of_all_samples_are_the_whole(ensemble, data):
    """Identity to rounding (1e-10): the order of samples does not matter to their mean."""
    first = nets.train(ensemble(), data, steps=5)
    second = nets.train(ensemble(), Minibatches(data, 6, (0, 1)), steps=5)
    np.testing.assert_allclose(second.loss, first.loss, rtol=1e-10)
    np.testing.assert_allclose(second.batch_loss, first.loss, rtol=1e-10)
    assert "batch_loss" not in first


def test_identity_recorded_steps_are_those_of_the_whole_run(ensemble, data):
    """Identity, to the byte: recording less changes nothing of what is recorded."""
    quantities = ("sharpness", "feature_change")
    full = Descent(ensemble(), Whole(data), steps=8, observed=range(9), quantities=quantities).run()
    part = Descent(
        ensemble(), Whole(data), steps=8, recorded=[0, 3, 8], observed=[3, 8], quantities=quantities
    ).run()
    assert part.values["loss"].shape == (2, 3)
    assert part.values["loss"].tobytes() == full.values["loss"][:, [0, 3, 8]].tobytes()
    for name in quantities:
        assert part.values[name][:, 1:].tobytes() == full.values[name][:, [3, 8]].tobytes()
        assert np.isnan(part.values[name][:, 0]).all()


def test_identity_one_program_serves_many_runs(ensemble, data):
    """Identity, to the byte: weights are the program's arguments, and its own model's count for nothing."""
    networks = [ensemble(seeds=(seed,)) for seed in (0, 1)]
    program = Program(ensemble(seeds=(9,)).model, LOSSES["mse"])
    for mine, other in zip(networks, (ensemble(seeds=(0,)), ensemble(seeds=(1,))), strict=True):
        with_it = Descent(mine, Whole(data), steps=3, program=program).run()
        without = Descent(other, Whole(data), steps=3).run()
        assert with_it.values["loss"].tobytes() == without.values["loss"].tobytes()


def test_identity_diverged_member_is_frozen_on_batches_too(ensemble, data):
    """Identity, to the byte: beside one that diverges, the others are as beside one that doesn't."""
    feed = Minibatches(data, 2, (0, 0, 0))
    bad = ensemble(seeds=(0,), lrs=(0.1, 1e9, 0.2), activation="linear")
    calm = ensemble(seeds=(0,), lrs=(0.1, 1e-9, 0.2), activation="linear")
    first = Descent(bad, feed, steps=10, observed=[10], quantities=("logits",)).run()
    second = Descent(calm, feed, steps=10, observed=[10], quantities=("logits",)).run()
    step = int(bad.diverged_at[1])
    assert bad.diverged_at.tolist() == [-1, step, -1]
    assert 1 <= step <= 3
    for name in ("loss", "batch_loss", "logits"):
        assert np.isnan(first.values[name][1, step + 1 :]).all()
        assert first.values[name][[0, 2]].tobytes() == second.values[name][[0, 2]].tobytes()
    assert np.isfinite(first.values["batch_loss"][1, :step]).all()


def test_property_a_run_stops_when_all_have_diverged(ensemble, data):
    """Property: no more steps are taken, and the rest is nan."""
    networks = ensemble(lrs=(1e9,), activation="linear")
    done = []
    record = Descent(networks, Whole(data), steps=50).run(lambda step, total: done.append((step, total)))
    last = int(networks.diverged_at.max())
    assert (networks.diverged_at >= 1).all()
    assert done[-1] == (last + 1, 50)
    assert np.isnan(record.values["loss"][:, last + 1 :]).all()


def test_property_divergence_is_a_factor_on_the_first_loss(ensemble, data):
    """Property: with a factor just below what a run reaches it diverges there, just above it does not."""
    losses = nets.train(ensemble(seeds=(0,), lrs=(30.0,)), data, steps=6).loss.values[0, 0]
    step = int(np.argmax(losses > losses[0]))
    assert step > 0  # this rate is too large: the loss rises above its first value
    factor = losses[step] / losses[0]
    for change, expected in ((1 - 1e-9, step), (1 + 1e-9, -1)):
        networks = ensemble(seeds=(0,), lrs=(30.0,))
        Descent(networks, Whole(data), steps=step, divergence=factor * change).run()
        assert networks.diverged_at.tolist() == [expected]


def test_identity_precision_goes_to_the_eigenvalues(ensemble, data):
    """Identity: what is recorded is within the error that is recorded beside it."""
    networks = ensemble()
    record = Descent(
        networks,
        Whole(data),
        steps=0,
        observed=[0],
        quantities=("sharpness",),
        precision=Precision(1e-10),
    ).run()
    exact = nets.measure(ensemble(), data, quantities=("sharpness",), tolerance=1e-12)["sharpness"]
    np.testing.assert_allclose(record.values["sharpness"][:, 0], exact.values[:, 0], rtol=1e-9)
    assert (record.values["sharpness_error"][:, 0] <= 1e-10 * exact.values[:, 0]).all()


def test_bad_feed(ensemble, data):
    """Property: the whole sentence where the seeds are not those of the members."""
    sentence = "data: a feed must have one seed a member, 2; given 3 of them"
    for feed in (Minibatches(data, 2, (0, 1, 2)), Online([Teacher(3)] * 3, 2, (0, 1, 2), evaluation=6)):
        with pytest.raises(ValueError, match=f"^{sentence}$"):
            nets.train(ensemble(), feed, steps=1)
