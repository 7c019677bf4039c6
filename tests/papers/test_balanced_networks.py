"""Deep linear networks on the balanced path: trained in torch, and predicted by one mode."""

import numpy as np
import pytest

from scalewright import nets
from scalewright.sim.linear import balanced

SIZE = 5


def network(layers, strength):
    """Return a model whose weights lie on the balanced path, and the unit vectors they lie along."""
    rng = np.random.default_rng(layers)
    units = [u / np.linalg.norm(u) for u in rng.standard_normal((layers + 1, SIZE))]
    model = nets.models.mlp(layers, SIZE, SIZE, SIZE, activation="linear").double()
    for (_, weight), left, right in zip(model.named_parameters(), units[1:], units, strict=False):
        weight.data.copy_(weight.new_tensor(strength ** (1 / layers) * np.outer(left, right)))
    return model, units


def data(units, target):
    """Whitened inputs, Sigma = I, and targets of one mode along the network's own directions."""
    inputs = np.sqrt(SIZE) * np.linalg.qr(np.random.default_rng(9).standard_normal((SIZE, SIZE)))[0]
    return inputs, inputs @ (target * np.outer(units[0], units[-1]))


@pytest.mark.parametrize("layers", [2, 3, 5])
def test_oracle_networks_follow_the_mode_equation(layers):
    """Loss, S, G and R of the trained network are the mode's, to rounding, plateau and drop."""
    model, units = network(layers, 0.05)
    ensemble = nets.Ensemble.single(model, lr=0.05)
    at = [0, 20, 60, 100]
    measured = nets.train(
        ensemble,
        data(units, 1.0),
        steps=100,
        observe_at=at,
        quantities=("sharpness", "gauss_newton", "residual"),
        tolerance=1e-8,
    )
    predicted = balanced.trajectory(layers=layers, strength=0.05, target=1.0, lr=0.05, steps=100)
    assert np.allclose(measured.loss.values.squeeze(), predicted.loss.values, rtol=1e-9, atol=1e-14)
    for name in ("sharpness", "gauss_newton", "residual"):
        # A residual of 1e-8 bounds the error of an eigenvalue by 1e-8 relative.
        ours, theirs = measured[name].values.squeeze()[at], predicted[name].values[at]
        assert ours == pytest.approx(theirs, rel=1e-8, abs=1e-12)


def test_control_an_unbalanced_start_leaves_the_path():
    model, units = network(3, 0.05)
    first = next(model.parameters())
    first.data *= 2
    next(reversed(list(model.parameters()))).data /= 2
    measured = nets.train(nets.Ensemble.single(model, lr=0.05), data(units, 1.0), steps=40)
    predicted = balanced.trajectory(layers=3, strength=0.05, target=1.0, lr=0.05, steps=40)
    assert measured.loss.values.squeeze()[0] == pytest.approx(predicted.loss.values[0], rel=1e-12)
    assert measured.loss.values.squeeze()[40] != pytest.approx(predicted.loss.values[40], rel=1e-3)
