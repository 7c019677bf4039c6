"""The convolutional network: scipy as oracle, its names and gains, members one by one, bad input."""

import re
from functools import partial

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d

from scalewright import nets, theory
from scalewright.nets.models import HasGains, convnet
from scalewright.nets.observe import activations


@pytest.mark.parametrize("layers", [2, 4])
def test_identity_parameter_names_are_those_of_the_architecture(layers):
    """Identity: what theory derives for `convnet` can be put on this module by name."""
    names = [name for name, _ in convnet(layers, 5, 16, 2).named_parameters()]
    assert names == [node.name for node in theory.convnet(layers).parameters]


@pytest.mark.parametrize("channels", [1, 2])
def test_oracle_forward_is_correlation_in_scipy(channels):
    """Oracle: scipy's correlation with zeros around the image, the mean over pixels, a matrix."""
    model = convnet(3, 3, 16 * channels, 2, "tanh", channels).double()
    inputs = np.random.default_rng(0).standard_normal((2, 16 * channels))
    weights = {name: weight.detach().numpy() for name, weight in model.named_parameters()}

    def layer(images, kernels):
        return [
            np.tanh(sum(correlate2d(i, k, mode="same") for i, k in zip(images, row, strict=True)))
            for row in kernels
        ]

    expected = []
    for row in inputs:
        images = layer(row.reshape(channels, 4, 4), weights["input.weight"])
        images = layer(images, weights["hidden.0.weight"])
        expected.append(weights["readout.weight"] @ np.array([image.mean() for image in images]))
    found = model(torch.from_numpy(inputs)).detach()
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("width", [4, 24])
def test_property_initial_preactivations_have_mean_square_1(width):
    """Property: at the middle pixel, which no border touches, within 4 standard errors of 60 networks.

    E over weights is exact at every width. Control: with a gain of 1 it is far from it.
    """
    rules = theory.named(theory.convnet(3), "mup", "sgd")
    inputs = torch.randn(10, 25, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    inputs /= inputs.square().mean(0).sqrt()  # each pixel has mean square 1 in these samples
    for gain, kept in (("auto", True), (1.0, False)):
        networks = nets.Ensemble.of(
            partial(convnet, 3),
            rules,
            width=width,
            inputs=25,
            outputs=2,
            seeds=range(60),
            gain=gain,
            device="cpu",
        )
        found = activations(networks, inputs, ["input", "hidden.0"])
        for record in found.values():
            squares = record.outputs[-1][..., 2, 2].square().flatten(1).mean(1)
            assert (abs(squares.mean() - 1) < 4 * squares.std() / np.sqrt(60)) == kept


def test_oracle_members_are_single_torch_networks():
    """Oracle: `parametrize`d modules under torch's SGD, 3 steps of each member, 1e-10 in float64."""
    build, rules = partial(convnet, 3, activation="tanh"), theory.named(theory.convnet(3), "mup", "sgd")
    sizes = {"width": 4, "inputs": 16, "outputs": 2, "device": "cpu"}
    inputs, targets = torch.randn(2, 5, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    targets = targets[:, :2]
    networks = nets.Ensemble.of(build, rules, **sizes, seeds=(0, 1), lrs=(0.1,))
    nets.train(networks, (inputs, targets), steps=3)
    for member in range(2):
        module = nets.parametrize(build, rules, **sizes, seed=member)
        steps = torch.optim.SGD(module.parameter_groups(0.1))
        for _ in range(3):
            steps.zero_grad()
            ((module(inputs) - targets).square().sum() / 10).backward()
            steps.step()
        for name, weight in module.model.named_parameters():
            torch.testing.assert_close(
                networks.parameters[name][member], weight.detach(), rtol=1e-10, atol=1e-12
            )


def test_identity_gains_take_fan_in_to_that_of_a_patch():
    """Identity: sqrt(pixels)/3 on the input, sqrt(2)/3 on readers of a ReLU, sqrt(2) on the readout."""
    model = convnet(4, 5, 32, 2, "relu", 2)
    assert isinstance(model, HasGains)
    expected = {"input.weight": 4 / 3, "readout.weight": np.sqrt(2)}
    expected |= {f"hidden.{index}.weight": np.sqrt(2) / 3 for index in range(2)}
    assert model.gains() == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((1, 5, 16, 2), "convnet: layers counts weight layers and must be at least 2; given 1"),
        ((3, 0, 16, 2), "convnet: width must be at least 1; given 0"),
        (
            (3, 5, 16, 2, "sine"),
            "convnet: activation must be one of 'relu', 'linear', 'tanh', 'gelu'; given 'sine'",
        ),
        (
            (3, 5, 15, 2),
            "convnet: inputs must be channels times a square number of pixels; given 15 with 1 channels",
        ),
        (
            (3, 5, 16, 2, "relu", 3),
            "convnet: inputs must be channels times a square number of pixels; given 16 with 3 channels",
        ),
        ((3, 5, 16, 2, "relu", 0), "convnet: channels must be at least 1; given 0"),
    ],
)
def test_bad_input(arguments, sentence):
    """Property: the whole sentence."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        convnet(*arguments)
