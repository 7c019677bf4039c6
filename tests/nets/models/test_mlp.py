"""The multilayer perceptron: names, shapes, gains, and the sentences for bad input."""

import re

import numpy as np
import pytest
import torch

from scalewright import theory
from scalewright.nets import models


@pytest.mark.parametrize(("layers", "bias"), [(2, False), (4, False), (3, True)])
def test_identity_parameter_names_are_those_of_the_architecture(layers, bias):
    """Identity: what theory derives for `mlp` can be put on this module by name."""
    names = [name for name, _ in models.mlp(layers, 5, 3, 2, bias=bias).named_parameters()]
    known = [node.name for node in theory.mlp(layers, bias=bias).parameters]
    assert sorted(names) == sorted(known)


@pytest.mark.parametrize(
    ("activation", "function"),
    [("linear", lambda x: x), ("relu", lambda x: np.maximum(x, 0)), ("tanh", np.tanh)],
)
def test_oracle_forward_is_the_composition_in_numpy(activation, function):
    """Oracle: numpy shares no code with torch's layers."""
    model = models.mlp(3, 5, 3, 2, activation).double()
    inputs = np.random.default_rng(0).standard_normal((4, 3))
    weights = {name: weight.detach().numpy() for name, weight in model.named_parameters()}
    hidden = function(inputs @ weights["input.weight"].T)
    hidden = function(hidden @ weights["hidden.0.weight"].T)
    expected = hidden @ weights["readout.weight"].T
    np.testing.assert_allclose(model(torch.from_numpy(inputs)).detach(), expected, rtol=1e-12, atol=1e-14)


def test_identity_gain_keeps_the_mean_square_through_relu():
    """Identity: E[relu(z)^2] = E[z^2]/2, and the gain's square is 2; only readers of a ReLU have one."""
    assert models.mlp(3, 5, 3, 2, "relu").gains() == {
        "hidden.0.weight": np.sqrt(2),
        "readout.weight": np.sqrt(2),
    }
    assert models.mlp(3, 5, 3, 2, "tanh").gains() == {}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((1, 5, 3, 2), "mlp: layers counts weight layers and must be at least 2; given 1"),
        ((2, 0, 3, 2), "mlp: width must be at least 1; given 0"),
        (
            (2, 5, 3, 2, "sine"),
            "mlp: activation must be one of 'relu', 'linear', 'tanh', 'gelu'; given 'sine'",
        ),
    ],
)
def test_bad_input(arguments, sentence):
    """Property: the whole sentence, so that it stays one."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        models.mlp(*arguments)
