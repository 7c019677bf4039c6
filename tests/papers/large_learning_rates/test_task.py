"""The tasks: fixed by their seed, of unit size, learnable."""

import numpy as np
import pytest

from scalewright.papers.large_learning_rates import task


@pytest.mark.parametrize("name", ["generated", "digits"])
def test_inputs_have_root_mean_square_one_and_targets_are_one_hot(name):
    seen, held = task.load(name, 256)
    assert np.sqrt((seen.inputs**2).mean()) == pytest.approx(1, abs=1e-12)
    for part in (seen, held):
        assert len(part.inputs) == 256
        np.testing.assert_array_equal(part.targets.argmax(1), part.labels)
    assert not np.array_equal(seen.inputs, held.inputs)


def test_the_generated_task_is_the_same_every_time_and_its_classes_are_balanced():
    seen, again = (task.load("generated", 2048)[0] for _ in range(2))
    np.testing.assert_array_equal(seen.inputs, again.inputs)
    shares = np.bincount(seen.labels) / 2048
    assert len(shares) == task.CLASSES
    assert shares.min() > 0.1


def test_what_is_installed_is_found():
    assert task.available() in ("generated", "fashion-mnist")
