"""Feeds: a batch is a function of (seed, step), holds a sample once an epoch, and streams never repeat."""

import re

import numpy as np
import pytest
import torch

from scalewright.nets.data import TensorData
from scalewright.nets.feeds import Minibatches, Online, Whole, as_feed, own_samples
from scalewright.sim.streams import Teacher

DOUBLE, CPU = torch.float64, torch.device("cpu")


@pytest.fixture
def numbered():
    """Return eleven samples that say which they are: inputs (i, i), target i."""
    numbers = torch.arange(11, dtype=torch.float64)[:, None]
    return numbers.expand(11, 2).clone(), numbers


def epochs(feed, count, size=3, samples=11):
    """Return which samples each member sees (epochs, M, batches, size) of a feed of numbered ones."""
    a_time = samples // size
    batches = [feed.batch(step).targets[..., 0] for step in range(count * a_time)]
    return torch.stack(batches, 1).unflatten(1, (count, a_time)).movedim(1, 0).numpy()


def test_identity_an_epoch_uses_each_sample_at_most_once(numbered):
    """Identity: 3 batches of 3 are 9 different samples of 11, inputs beside their targets."""
    feed = Minibatches(numbered, 3, (0, 1))
    seen = epochs(feed, 4)
    for epoch in seen:
        for member in epoch:
            assert len(set(member.ravel())) == 9
    batch = feed.batch(5)
    assert (batch.inputs.shape, batch.targets.shape, batch.shared) == ((2, 3, 2), (2, 3, 1), False)
    assert torch.equal(batch.inputs[..., :1], batch.targets)
    # a sample is left out of 40 epochs of 2 members with probability (2/11)^80
    assert set(epochs(Minibatches(numbered, 3, (0, 1)), 40).ravel()) == set(range(11))


def test_identity_members_of_one_seed_see_the_same_batches(numbered):
    """Identity, in whatever company; control: another seed and another epoch have other orders."""
    seen = epochs(Minibatches(numbered, 3, (4, 5, 4)), 2)
    assert np.array_equal(seen[:, 0], seen[:, 2])
    assert np.array_equal(seen[:, 1], epochs(Minibatches(numbered, 3, (5,)), 2)[:, 0])
    assert not np.array_equal(seen[:, 0], seen[:, 1])
    assert not np.array_equal(seen[0, 0], seen[1, 0])


def test_identity_steps_may_be_asked_for_in_any_order(numbered):
    """Identity: the batch of a step is the same, to the byte, from a feed made again and out of turn."""
    feed, again = Minibatches(numbered, 3, (4, 5)), Minibatches(numbered, 3, (4, 5))
    forward = [feed.batch(step).inputs for step in range(7)]
    backward = [again.batch(step).inputs for step in reversed(range(7))]
    for one, other in zip(forward, reversed(backward), strict=True):
        assert torch.equal(one, other)


def test_property_places_are_drawn_uniformly(numbered):
    """Property: each sample is first of an epoch as often as any: chi-squared of 11 within 4 sigma."""
    feed = Minibatches(numbered, 11, range(2000))
    counts = np.bincount(feed.batch(0).targets[:, 0, 0].long().numpy(), minlength=11)
    expected = 2000 / 11
    assert abs(((counts - expected) ** 2 / expected).sum() - 10) < 4 * np.sqrt(20)


def test_identity_samples_of_ones_own_are_picked_by_member(numbered):
    """Identity: where the members' samples differ, a member's batches are of its own."""
    inputs = torch.stack([numbered[0], numbered[0] + 100])
    own = TensorData(inputs, inputs[..., :1], shared=False)
    batch = Minibatches(own, 3, (4, 4)).batch(2)
    shared = Minibatches(numbered, 3, (4, 4)).batch(2)
    assert torch.equal(batch.inputs[0], shared.inputs[0])
    assert torch.equal(batch.inputs[1], shared.inputs[1] + 100)
    assert torch.equal(batch.inputs[..., :1], batch.targets)


def test_identity_whole_is_the_data_at_every_step(numbered):
    """Identity: one and the same tensors; a pair is a feed of it, and a feed is itself."""
    feed = as_feed(numbered)
    assert isinstance(feed, Whole)
    assert feed.whole
    assert feed.batch(3) is feed.evaluation
    assert as_feed(feed) is feed
    assert feed.to(torch.float32, CPU).evaluation.inputs.dtype == torch.float32


def test_identity_online_never_repeats(numbered):
    """Identity: the inputs of 20 steps and of the evaluation are all different numbers."""
    feed = Online([Teacher(3)] * 2, 4, (0, 1), evaluation=8)
    drawn = [feed.evaluation.inputs, *(feed.batch(step).inputs for step in range(20))]
    everything = torch.cat([part.flatten() for part in drawn])
    assert len(everything.unique()) == len(everything) == 2 * 3 * (8 + 20 * 4)


def test_identity_online_is_a_function_of_seed_and_step():
    """Identity, to the byte: made again, after `to`, in company; members of one seed and task agree."""
    feed = Online([Teacher(3), Teacher(3, task=1), Teacher(3)], 4, (0, 0, 0), evaluation=5)
    again = Online([Teacher(3)], 4, (0,), evaluation=5).to(torch.float32, CPU)
    first, other = feed.batch(7), again.batch(7)
    assert torch.equal(first.inputs[0], first.inputs[2])
    assert torch.equal(first.targets[0], first.targets[2])
    assert not torch.equal(first.targets[0], first.targets[1])
    assert other.inputs.dtype == torch.float32
    assert torch.equal(first.inputs[0].float(), other.inputs[0])
    assert torch.equal(feed.evaluation.inputs[0].float(), again.evaluation.inputs[0])
    inputs, targets = Teacher(3).sample(4, seed=0, step=7)
    assert np.array_equal(first.inputs[0].numpy(), inputs)
    assert np.array_equal(first.targets[0].numpy(), targets)


@pytest.mark.parametrize("kind", ["minibatches", "online"])
def test_identity_evaluation_is_fixed(numbered, kind):
    """Identity: batches leave the evaluation's bytes as they are."""
    online = Online([Teacher(3)], 4, (0,), evaluation=5)
    feed = Minibatches(numbered, 3, (0,)) if kind == "minibatches" else online
    before = feed.evaluation.inputs.clone()
    for step in range(5):
        feed.batch(step).inputs.zero_()
    assert torch.equal(feed.evaluation.inputs, before)
    assert not feed.whole


def test_identity_own_samples_are_the_streams():
    """Identity: one entry a member, from its stream and seed."""
    found = own_samples([Teacher(3), Teacher(3, task=1)], 4, (5, 6), step=2)
    for member, mine in enumerate((Teacher(3), Teacher(3, task=1))):
        inputs, targets = mine.sample(4, seed=5 + member, step=2)
        assert np.array_equal(found.inputs[member].numpy(), inputs)
        assert np.array_equal(found.targets[member].numpy(), targets)
    assert (found.name, found.shared, found.samples) == ("teacher", False, 4)


@pytest.mark.parametrize("size", [0, 12, -1])
def test_bad_size(numbered, size):
    """Property: the whole sentence."""
    sentence = f"Minibatches: size must lie between 1 and the 11 samples; given {size}"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        Minibatches(numbered, size, (0,))
