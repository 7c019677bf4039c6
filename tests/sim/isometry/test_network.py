"""One layer: its normalization, its derivative in both directions, and what it refuses."""

import numpy as np
import pytest

from scalewright.sim.isometry import Network
from scalewright.sim.isometry.weights import gaussian, generators

CASES = [
    Network(5, 5),
    Network(4, 7, weights="gaussian", centred=True),
    Network(5, 3, activation="tanh", gain=0.8),
    Network(5, 6, activation="sin", centred=True),
    Network(6, 4, activation="relu", rows="norm"),
    Network(4, 4, activation=(lambda x: x**3, lambda x: 3 * x**2)),
]


def layer_of(network, seeds=(0, 1)):
    x = gaussian(generators([seed + 10 for seed in seeds]), network.width, network.samples)
    return network.layer(generators(seeds), x, float(np.asarray(network.gain)))


@pytest.mark.parametrize("network", CASES)
def test_identity_push_and_pull_are_adjoint(network):
    """<G, J dX> = <W^T pull(G), dX>, exactly."""
    layer = layer_of(network)
    change, gradient = (np.random.default_rng(k).standard_normal(layer.outputs.shape) for k in (1, 2))
    forwards = (gradient * layer.push(change)).sum((-2, -1))
    backwards = (layer.weights.swapaxes(-1, -2) @ layer.pull(gradient) * change).sum((-2, -1))
    np.testing.assert_allclose(forwards, backwards, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("network", CASES)
def test_oracle_push_is_the_difference_quotient(network):
    """Independent: the forward pass alone, at two inputs; error of second order in the step 1e-6."""
    layer = layer_of(network)
    change, step = np.random.default_rng(1).standard_normal(layer.inputs.shape), 1e-6
    ends = [
        network.layer(
            generators((0, 1)), layer.inputs + sign * step * change, float(np.asarray(network.gain))
        )
        for sign in (1, -1)
    ]
    quotient = (ends[0].outputs - ends[1].outputs) / (2 * step)
    np.testing.assert_allclose(layer.push(change), quotient, rtol=1e-5, atol=1e-6)


def test_several_tangents_are_pushed_as_each_alone():
    layer = layer_of(CASES[1])
    many = np.random.default_rng(3).standard_normal((2, 3, *layer.outputs.shape[1:]))
    np.testing.assert_allclose(layer.push(many)[:, 1], layer.push(many[:, 1]), atol=1e-13)


@pytest.mark.parametrize(("rows", "norm"), [("rms", np.sqrt(7.0)), ("norm", 1.0)])
def test_rows_have_the_norm_that_was_asked_for(rows, norm):
    outputs = layer_of(Network(4, 7, rows=rows)).outputs
    np.testing.assert_allclose(np.linalg.norm(outputs, axis=-1), norm, rtol=1e-14)


def test_centred_rows_have_mean_zero():
    assert abs(layer_of(Network(4, 7, centred=True)).outputs.mean(-1)).max() < 1e-14


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"width": 0, "samples": 3}, "width must be an integer of at least 1; given 0"),
        ({"width": 3, "samples": -1}, "samples must be an integer of at least 1; given -1"),
        (
            {"width": 3, "samples": 1, "centred": True},
            r"samples must be an integer of at least 2 \(a centred row of one sample is zero\); given 1",
        ),
        ({"width": 3, "samples": 3, "weights": "haar"}, "weights must be one of orthogonal, gaussian; given"),
        (
            {"width": 3, "samples": 3, "activation": "gelu"},
            "activation must be one of linear, tanh, sin, relu",
        ),
        ({"width": 3, "samples": 3, "rows": "sqrt"}, "rows must be one of rms, norm; given 'sqrt'"),
        ({"width": 3, "samples": 3, "gain": 0.0}, "gain must be a positive finite number, or one a layer"),
        ({"width": 3, "samples": 3, "gain": [1.0, -1.0]}, "gain must be a positive finite number"),
    ],
)
def test_bad_input_gets_one_sentence(arguments, said):
    with pytest.raises(ValueError, match=said):
        Network(**arguments)


def test_gains_of_another_depth_are_refused():
    with pytest.raises(ValueError, match=r"gain must hold one number a layer \(3\); given 2"):
        Network(3, 3, gain=[1.0, 0.5]).gains(3)
