"""Training until the end: against `train` step by step, members that leave, levels, bad input."""

import numpy as np
import pytest
import torch

from scalewright import nets
from scalewright.nets.feeds import Minibatches, Online
from scalewright.nets.until import until
from scalewright.sim.streams import Teacher

LRS = (0.05, 0.4, 200.0, 3.0, 0.1, 500.0)


def test_oracle_losses_are_those_of_train(ensemble, data):
    """Independent: the descent that keeps everyone in its program to the end."""
    found = until(ensemble(lrs=LRS), data, steps=12, recorded=range(13))
    expected = nets.train(ensemble(lrs=LRS), data, steps=12, quantities=())
    np.testing.assert_allclose(found.losses, expected.loss.values.reshape(12, 13), rtol=1e-9)
    np.testing.assert_array_equal(found.diverged_at, expected.diverged_at.values.ravel())
    assert (found.diverged_at >= 0).any()
    assert (found.diverged_at < 0).any()


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_oracle_weights_of_those_who_stay_are_those_of_train(ensemble, data, optimizer):
    changes = {"optimizer": optimizer}
    one, other = (ensemble(lrs=LRS[:2], changes=changes) for _ in range(2))
    until(one, data, steps=7)
    nets.train(other, data, steps=7, quantities=())
    for name, weight in one.parameters.items():
        torch.testing.assert_close(weight, other.parameters[name], rtol=1e-9, atol=1e-12)


def test_identity_a_member_stops_at_its_level(ensemble, data):
    """The weights left have the loss that was seen, below the level, and the step before is above."""
    networks = ensemble(lrs=(0.05, 0.4), centred=True)
    found = until(networks, data, steps=400, level=0.5, recorded=range(401))
    assert (found.reached_at > 0).all()
    after = nets.train(networks, data, steps=0, quantities=()).loss.values.ravel()
    np.testing.assert_allclose(after, found.last, rtol=1e-9)
    for member, step in enumerate(found.reached_at):
        assert found.losses[member, step] < 0.5 * found.losses[member, 0] <= found.losses[member, step - 1]
        assert np.isnan(found.losses[member, step + 1 :]).all()


def test_identity_the_peak_is_the_largest_loss_seen(ensemble, data):
    found = until(ensemble(lrs=(0.05, 3.0)), data, steps=30, recorded=range(31), divergence=1e9)
    np.testing.assert_allclose(found.peak, np.nanmax(found.losses, axis=1) / found.losses[:, 0])
    assert found.peak[0] == 1.0


@pytest.mark.parametrize("kind", ["minibatches", "online"])
def test_oracle_with_batches_of_their_own(ensemble, kind):
    """Independent: `train`, at the steps where the evaluation is looked at; members leave in between."""
    stream = Teacher(3)
    pair = stream.sample(12, seed=0, step=0)
    pair = (pair[0], np.repeat(pair[1], 2, axis=1))
    lrs = (0.05, 1e4, 0.2)

    def feed():
        seeds = range(6)
        if kind == "minibatches":
            return Minibatches(pair, 4, seeds)
        return Online([stream] * 6, 4, seeds, evaluation=16)

    given = {"lrs": lrs, **({"outputs": 1} if kind == "online" else {})}
    found = until(ensemble(**given), feed(), steps=9, recorded=(0, 4, 9))
    expected = nets.train(ensemble(**given), feed(), steps=9, quantities=())
    wanted = expected.loss.values.reshape(6, 10)[:, [0, 4, 9]]
    np.testing.assert_allclose(found.losses, wanted, rtol=1e-9)
    assert (found.diverged_at >= 0).any()


def test_the_level_of_a_stream_is_looked_at_where_it_is_recorded(ensemble):
    feed = Online([Teacher(3)] * 2, 4, range(2), evaluation=16)
    found = until(ensemble(lrs=(0.3,), outputs=1), feed, steps=200, level=0.9, recorded=range(0, 201, 50))
    assert set(found.reached_at) <= {-1, 0, 50, 100, 150, 200}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"level": 1.0}, r"level must lie in \[0, 1\); given 1.0"),
        ({"steps": -1}, "steps must be non-negative; given -1"),
        ({"divergence": float("nan")}, "divergence must be a positive number; given nan"),
        ({"recorded": (9,)}, r"recorded must lie between 0 and steps = 5; given \[9\]"),
    ],
)
def test_bad_input(ensemble, data, given, message):
    with pytest.raises(ValueError, match=message):
        until(ensemble(), data, **{"steps": 5, **given})
