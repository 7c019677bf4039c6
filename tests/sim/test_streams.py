"""Streams: samples by their key alone, targets of mean 0 and variance 1, bad input."""

import re

import numpy as np
import pytest

from scalewright.sim.streams import STREAMS, MultiIndex, Teacher, stream

SAMPLES = 40_000


def within(values, expected, k=4):
    """Whether the mean of independent values lies within k of its standard errors of what is expected."""
    return abs(values.mean() - expected) < k * values.std() / np.sqrt(len(values))


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("task", [0, 7])
def test_property_target_has_mean_0_and_variance_1(name, task):
    """Property: both within 4 standard errors of 40 000 samples; control: not of half of the target."""
    _, targets = stream(name, inputs=5, task=task).sample(SAMPLES, seed=1, step=0)
    assert within(targets[:, 0], 0)
    assert within(targets[:, 0] ** 2, 1)
    assert not within((targets[:, 0] / 2) ** 2, 1)


@pytest.mark.parametrize("name", STREAMS)
def test_property_inputs_are_standard_normal(name):
    """Property: mean, variance and the covariance of neighbours within 4 standard errors."""
    inputs, _ = stream(name, inputs=5).sample(SAMPLES, seed=1, step=0)
    assert within(inputs.ravel(), 0)
    assert within(inputs.ravel() ** 2, 1)
    assert within(inputs[:, 0] * inputs[:, 1], 0)
    assert within(inputs[:-1, 0] * inputs[1:, 0], 0)


@pytest.mark.parametrize("name", STREAMS)
def test_identity_samples_are_a_function_of_their_key(name):
    """Identity, to the byte, whatever was drawn before; control: every part of the key changes them."""
    mine = stream(name, inputs=4, task=3)
    first = mine.sample(6, seed=1, step=5)
    mine.sample(100, seed=1, step=4)
    again = stream(name, inputs=4, task=3).sample(6, seed=1, step=5)
    assert [a.tobytes() for a in first] == [a.tobytes() for a in again]
    assert (first[0].shape, first[1].shape, first[1].dtype) == ((6, 4), (6, 1), np.float64)
    for key in ({"seed": 2, "step": 5}, {"seed": 1, "step": 6}, {"seed": 1, "step": -1}):
        assert not np.isclose(mine.sample(6, **key)[0], first[0]).any()
    other = stream(name, inputs=4, task=4).sample(6, seed=1, step=5)
    assert np.array_equal(other[0], first[0])  # the task is the target's alone
    assert not np.isclose(other[1], first[1]).any()


def test_identity_two_streams_share_no_sample():
    """Identity: the name is part of the key."""
    inputs = [kind(4).sample(6, seed=0, step=0)[0] for kind in (Teacher, MultiIndex)]
    assert not np.isclose(*inputs).any()


def test_literature_covariance_of_the_teachers_units():
    """Literature: Williams 1997, eq. 11, by which the readout is scaled; two units at several angles.

    4 standard errors of 40 000 samples; control: the covariance of linear units, the cosine, is not it.
    """
    from scipy.special import erf

    x, z = np.random.default_rng(0).standard_normal((2, SAMPLES))
    for cosine in (-0.9, 0.3, 1.0):
        products = erf(x) * erf(cosine * x + np.sqrt(1 - cosine**2) * z)
        assert within(products, 2 / np.pi * np.arcsin(2 * cosine / 3))
        assert not within(products, cosine)


def test_identity_multi_index_depends_on_three_directions():
    """Identity: moving x off the frame's span changes no target; moving it inside does."""
    mine = MultiIndex(6)
    inputs, _ = mine.sample(50, seed=0, step=0)
    targets = mine.target(inputs)
    quotients = [(mine.target(inputs + 1e-6 * e) - targets) / 1e-6 for e in np.eye(6)]
    gradients = np.stack(quotients, axis=1)
    _, sizes, axes = np.linalg.svd(gradients)
    assert (sizes[3:] < 1e-4 * sizes[0]).all()  # differences of 1e-6: rounding of 1e-10, curvature of 1e-6
    across = inputs + inputs[:, :3] @ axes[3:]
    np.testing.assert_allclose(mine.target(across), targets, atol=1e-4)
    assert not np.allclose(mine.target(inputs + inputs[:, :3] @ axes[:3]), targets, atol=1e-1)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"name": "student"}, "stream: name must be one of teacher, multi-index; given 'student'"),
        ({"name": "teacher", "inputs": 0}, "teacher: inputs must be at least 1; given 0"),
        ({"name": "multi-index", "inputs": 2}, "multi-index: inputs must be at least 3; given 2"),
    ],
)
def test_bad_input(arguments, sentence):
    """Property: the whole sentence."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        stream(**arguments)
