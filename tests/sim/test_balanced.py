"""Deep linear networks on the balanced path against dense networks."""

import numpy as np
import pytest
import torch

from scalewright.sim.linear import balanced

WIDTH = 4


def dense(layers, strength, target):
    """Weights on the balanced path and the loss of a network with whitened inputs, as torch sees them."""
    rng = np.random.default_rng(layers)
    units = [u / np.linalg.norm(u) for u in rng.standard_normal((layers + 1, WIDTH))]
    amplitude = strength ** (1 / layers)
    weights = [torch.tensor(amplitude * np.outer(units[i + 1], units[i])) for i in range(layers)]
    wanted = torch.tensor(target * np.outer(units[-1], units[0]))

    def loss(*layers_):
        product = torch.eye(WIDTH, dtype=torch.float64)
        for weight in layers_:
            product = weight @ product
        return 0.5 * ((product - wanted) ** 2).sum()

    return weights, loss


def hessian_top(weights, loss):
    sizes, shape = [w.numel() for w in weights], weights[0].shape

    def flat_loss(x):
        return loss(*[part.reshape(shape) for part in x.split(sizes)])

    flat = torch.cat([w.ravel() for w in weights])
    return float(np.linalg.eigvalsh(torch.func.jacrev(torch.func.grad(flat_loss))(flat).numpy())[-1])


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_oracle_descent_and_sharpness_of_dense_networks(layers):
    weights, loss = dense(layers, 0.02, 1.0)
    path = balanced.trajectory(layers=layers, strength=0.02, target=1.0, lr=0.05, steps=100)
    for t in range(101):
        assert path.loss.values[t] == pytest.approx(float(loss(*weights)), rel=1e-11, abs=1e-14)
        if t % 20 == 0:
            assert path.sharpness.values[t] == pytest.approx(hessian_top(weights, loss), rel=1e-10)
        grads = torch.func.grad(loss, argnums=tuple(range(layers)))(*weights)
        weights = [w - 0.05 * g for w, g in zip(weights, grads, strict=True)]


def test_control_another_depth_misses():
    weights, loss = dense(3, 0.02, 1.0)
    path = balanced.trajectory(layers=4, strength=0.02, target=1.0, lr=0.05, steps=0)
    assert path.sharpness.values[0] != pytest.approx(hessian_top(weights, loss), rel=1e-2)


@pytest.mark.parametrize("layers", [2, 3, 5])
def test_oracle_flow_of_small_steps(layers):
    """Richardson extrapolation of descent at two small rates agrees with the integrated flow."""
    flow = balanced.trajectory(
        layers=layers, strength=0.2, target=1.0, lr=0.1, steps=20, dynamics="flow"
    ).outputs.values[-1]
    ends = [
        balanced.trajectory(layers=layers, strength=0.2, target=1.0, lr=0.1 / m, steps=20 * m).outputs.values[
            -1
        ]
        for m in (200, 400)
    ]
    assert 2 * ends[1] - ends[0] == pytest.approx(flow, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": 1}, "layers must be at least 2; given 1"),
        ({"strength": 0}, "strength must be positive; given 0"),
        ({"lr": 40.0}, "leaves the positive numbers at step"),
        ({"dynamics": "x"}, "'descent' or 'flow'; given 'x'"),
        ({"steps": -2}, "steps must be at least 0; given -2"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        balanced.trajectory(
            **({"layers": 3, "strength": 0.5, "target": 1.0, "lr": 0.1, "steps": 20} | change)
        )
