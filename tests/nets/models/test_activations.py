"""Activations: numpy as oracle, and the gain that keeps the mean square."""

import re

import numpy as np
import pytest
import torch
from scipy.special import erf

from scalewright.nets.models.activations import activate, check_activation, gain_of

FUNCTIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
    "gelu": lambda x: x * (1 + erf(x / np.sqrt(2))) / 2,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_oracle_every_activation_in_numpy(name):
    """Oracle: 1e-12 in float64, negative numbers and 0 included; the name is accepted."""
    numbers = np.linspace(-3, 3, 31)
    found = activate(name, torch.from_numpy(numbers)).numpy()
    np.testing.assert_allclose(found, FUNCTIONS[name](numbers), rtol=1e-12, atol=1e-15)
    check_activation("here", name)


def test_property_gain_of_relu_keeps_the_mean_square():
    """Property: of 40 000 Gaussian numbers within 4 standard errors; control: a gain of 1 does not."""
    numbers = torch.randn(40_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for gain, kept in ((gain_of("relu"), True), (1.0, False)):
        squares = (gain * activate("relu", numbers)).square()
        assert (abs(squares.mean() - 1) < 4 * squares.std() / 200) == kept
    assert gain_of("tanh") == gain_of("linear") == gain_of("gelu") == 1


def test_bad_activation():
    """Property: the whole sentence."""
    sentence = "here: activation must be one of 'relu', 'linear', 'tanh', 'gelu'; given 'sine'"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        check_activation("here", "sine")
