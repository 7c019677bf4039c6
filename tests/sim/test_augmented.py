"""Streams of images: the same on every call, never the same twice, moved as said; bad input."""

import numpy as np
import pytest

from scalewright.sim import data
from scalewright.sim.augmented import AugmentedImages


def test_identity_a_step_of_a_seed_is_the_same_batch():
    stream = AugmentedImages(inputs=64)
    first, second = (stream.sample(8, seed=1, step=3) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(first[0], stream.sample(8, seed=1, step=4)[0])
    assert not np.array_equal(first[0], stream.sample(8, seed=2, step=3)[0])


def test_identity_every_image_is_a_shift_of_one_of_the_training_set():
    """All nine shifts of all training images, by numpy's roll of a padded image, hold each drawn one."""
    images, targets = AugmentedImages(inputs=64).sample(6, seed=0, step=0)
    every = data.load("digits", samples=1500)
    scale = np.sqrt((every.inputs**2).mean())
    padded = np.pad(every.inputs.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    shifted = [np.roll(padded, (i, j), (1, 2))[:, 1:-1, 1:-1] for i in (-1, 0, 1) for j in (-1, 0, 1)]
    known = np.stack(shifted).reshape(9, -1, 64) / scale
    for image, target in zip(images, targets, strict=True):
        found = np.argwhere(np.isclose(known, image, atol=1e-12).all(-1))
        assert any(np.array_equal(every.targets[place], target) for _, place in found)


def test_control_the_evaluation_is_held_out_and_not_moved():
    images, _ = AugmentedImages(inputs=64).sample(5, seed=0, step=-1)
    every = data.load("digits")
    scale = np.sqrt((every.inputs[:1500] ** 2).mean())
    for image in images:
        assert np.isclose(every.inputs[1500:] / scale, image, atol=1e-12).all(-1).any()
        assert not np.isclose(every.inputs[:1500] / scale, image, atol=1e-12).all(-1).any()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"inputs": 64, "source": "cats"}, "source must be 'digits' or 'fashion-mnist'; given 'cats'"),
        ({"inputs": 16}, "inputs of 'digits' must be 64; given 16"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(ValueError, match=message):
        AugmentedImages(**given)


def test_its_targets_are_not_a_function_of_pixels():
    with pytest.raises(TypeError, match="come with their classes"):
        AugmentedImages(inputs=64).target(np.zeros((1, 64)))
