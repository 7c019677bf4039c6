"""Bad input: one sentence that says what is accepted, what was given, and the fix."""

import numpy as np
import pytest

from scalewright import sim
from scalewright.sim.dmft import optimizer

GOOD = {"kernel": np.eye(3), "targets": [1.0, -1.0, 1.0], "hidden_layers": 2, "lr": 0.1, "steps": 3}
ONLY_SLOPE = sim.dmft.Activation("cubic", lambda x, xp: x**3, lambda x, xp: 3 * x**2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kernel": np.eye(3) + np.eye(3)[[1, 2, 0]]}, "must be symmetric; given one with |K - K^T| up to"),
        ({"kernel": np.diag([1.0, 1.0, -0.5])}, "positive semi-definite; given one with the eigenvalue -0.5"),
        ({"kernel": np.ones((2, 3))}, "kernel must be a (P, P) array, X X^T / D of the inputs; given"),
        ({"kernel": np.eye(3) * np.nan}, "kernel must hold finite numbers"),
        ({"targets": [1.0, 2.0]}, "one row for each of the 3 samples of the kernel; given shape (2,)"),
        ({"activation": "sine"}, "activation must be one of 'linear', 'tanh'"),
        ({"activation": ONLY_SLOPE}, "the backward response needs; given 'cubic' without"),
        ({"loss": "hinge"}, "loss must be one of 'mse', 'cross-entropy', 'logistic'; given 'hinge'"),
        ({"loss": "logistic", "targets": [1.0, 0.0, 1.0]}, "must be -1 or 1"),
        ({"loss": "cross-entropy", "targets": [0.5, 1.0, 2.0]}, "classes 0, 1, ... or rows of probabilities"),
        ({"lr": 0.0}, "lr must be a positive number; given 0.0"),
        ({"gamma": [1.0, 0.0]}, "the limit gamma -> 0 is dmft.limits.lazy"),
        ({"momentum": 1.0}, "momentum must be at least 0 and below 1; given 1.0"),
        ({"weight_decay": -1.0}, "weight_decay must be at least 0; given -1.0"),
        ({"batches": [[0, 1]]}, "batches must be a (steps + 1, B) = (4, B) array of indices below 3"),
        ({"rates": [1.0]}, "rates must hold hidden_layers + 1 = 3 numbers"),
        ({"hidden_layers": 0}, "hidden_layers must be at least 1; given 0"),
        ({"hidden_layers": 1, "residual": 1.0}, "hidden_layers must be at least 2; given 1"),
        ({"kernels": "all"}, "kernels must be 'two-time' or 'equal-time'"),
        ({"steps": 20000}, "steps and 2 hidden layers would fill"),
        ({"steps": 2000, "activation": "tanh"}, "cut steps or samples"),
        ({"activation": "tanh", "samples": 8}, "samples must be at least 2 a replicate; given samples=8"),
    ],
)  # fmt: skip
def test_control_bad_input_gets_one_sentence(change, said):
    with pytest.raises(ValueError) as caught:
        sim.dmft.solve(**GOOD | change)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_control_a_kind_that_is_wrong_is_a_type_error():
    with pytest.raises(TypeError, match="steps must be an integer; given 2"):
        sim.dmft.solve(**GOOD | {"steps": 2.5})


@pytest.mark.slow
def test_control_one_hidden_layer_needs_no_second_derivative():
    found = sim.dmft.solve(
        **GOOD | {"activation": ONLY_SLOPE, "hidden_layers": 1, "lr": 0.01, "samples": 4096}
    )
    assert found.status in ("sampled", "inaccurate")


def test_identity_the_optimizer_remembers_what_torch_does():
    """The linear recurrence on the weights themselves, step by step."""
    rng = np.random.default_rng(0)
    gradients, start, lr = rng.standard_normal(6), 1.3, 0.1
    a, rho = optimizer.memory(5, momentum=0.7, decay=lr * 0.4)
    weight, velocity = start, 0.0
    for t in range(6):
        assert weight == pytest.approx(rho[t] * start - lr * a[t] @ gradients, rel=1e-13)
        velocity = 0.7 * velocity + gradients[t] + 0.4 * weight
        weight -= lr * velocity


def test_property_jax_keeps_its_global_precision():
    import jax.numpy as jnp

    sim.dmft.solve(**GOOD)
    assert jnp.ones(1).dtype == np.float32
