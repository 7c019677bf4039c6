"""The compiled loop against plain loops of numpy, and what it says of every cell."""

import numpy as np
import pytest

from scalewright.sim.richness import Task, march
from scalewright.sim.richness.march import BLOCK, CONFIRM

RIGHT = np.e / (1 + np.e)
PULLS = {
    "squared": lambda f: 1 - f,
    "cross-entropy": lambda f: RIGHT - 1 / (1 + np.exp(-f)),
    "logistic": lambda f: 1 / (1 + np.exp(f)),
}


def plain(task, gamma, eta):
    """One run by a plain loop over L separate weights; the output after T + CONFIRM steps."""
    w = np.array(task.start or (1.0,) * task.layers)
    start, first, second = w.prod(), np.zeros_like(w), np.zeros_like(w)
    for step in range(1, task.steps + CONFIRM + 1):
        f = (w.prod() - start) / gamma
        gradient = -PULLS[task.loss](f) / gamma * np.array([np.delete(w, i).prod() for i in range(len(w))])
        match task.optimizer:
            case "sgd":
                move = gradient
            case "momentum":
                move = first = task.momentum * first + gradient
            case "sign":
                move = np.sign(gradient)
            case _:
                b1, b2 = task.betas
                first, second = b1 * first + (1 - b1) * gradient, b2 * second + (1 - b2) * gradient**2
                move = first / (1 - b1**step) / np.sqrt(second / (1 - b2**step))
        w = w - eta * move
    return (w.prod() - start) / gamma


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "sign", "adam"])
@pytest.mark.parametrize("loss", ["squared", "cross-entropy", "logistic"])
def test_oracle_a_run_is_that_of_a_plain_loop(loss, optimizer):
    """Independent: L weights, gradients by products of the others, no jax. 40 steps keep rounding small."""
    task = Task(3, loss, optimizer, steps=40)
    gammas, etas = np.array([0.1, 2.0]), np.array([3e-4, 2e-2])
    found = march(task, gammas, etas).output
    expected = [plain(task, g, e) for g, e in zip(gammas, etas, strict=True)]
    assert found == pytest.approx(expected, rel=1e-9)


def test_oracle_unequal_weights():
    task = Task(3, model="unbalanced", start=(0.5, 1.0, 3.0), steps=60)
    assert float(march(task, 1.5, 0.05).output) == pytest.approx(plain(task, 1.5, 0.05), rel=1e-10)
    equal = Task(3, model="unbalanced", start=(1.0, 1.0, 1.0), steps=60)
    assert float(march(equal, 1.5, 0.05).output) == pytest.approx(
        float(march(Task(3, steps=60), 1.5, 0.05).output), rel=1e-12
    )


@pytest.mark.parametrize("loss", ["squared", "cross-entropy"])
@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_oracle_two_wide_layers_are_a_network(loss, momentum):
    """Independent: 30 hidden units, antisymmetric so that f = 0 and K = 2 exactly, all weights moved."""
    rng = np.random.default_rng(0)
    u, w = rng.normal(size=(2, 15))
    norm = np.sqrt(2 / np.mean(u**2 + w**2))
    u, w = np.concatenate([u, u]) * norm, np.concatenate([w, -w]) * norm
    gamma, eta, steps, units = 0.5, 0.1, 30, 30
    speed = np.zeros((2, units))
    for _ in range(steps + CONFIRM):
        pull = PULLS[loss](np.mean(u * w) / gamma)
        speed = momentum * speed + pull / gamma * np.stack([w, u])
        u, w = u + eta * speed[0], w + eta * speed[1]
    task = Task(2, loss, "momentum" if momentum else "sgd", "wide", steps=steps, momentum=momentum)
    assert float(march(task, gamma, eta).output) == pytest.approx(np.mean(u * w) / gamma, rel=1e-10)


def test_identity_a_cell_does_not_depend_on_its_neighbours():
    """More cells than a block, shuffled: the same bytes."""
    task, rng = Task(3, steps=100), np.random.default_rng(1)
    gammas, etas = 10 ** rng.uniform(-3, 3, BLOCK + 50), 10 ** rng.uniform(-4, 2, BLOCK + 50)
    order = rng.permutation(len(gammas))
    whole, shuffled = march(task, gammas, etas), march(task, gammas[order], etas[order])
    for name, values in vars(whole).items():
        assert np.array_equal(values[order], getattr(shuffled, name), equal_nan=True), name


def test_identity_what_is_said_of_converged_slow_and_diverged_runs():
    ends = march(Task(3, steps=300), 1.0, [1e-5, 0.05, 10.0])
    assert ends.settled_at.tolist()[::2] == [301, 301]
    assert 10 < ends.settled_at[1] < 300
    assert ends.diverged_at.tolist() == [-1, -1, 3]
    assert np.isnan(ends.output[2])
    assert ends.loss[0] > 0.1 > 1e-6 > ends.loss[1]
    assert ends.rose.tolist() == [False, False, True]


def test_identity_settled_is_the_first_step_within_the_error():
    """eta L / gamma^2 = 1/2 in the lazy limit halves the error a step: 7 steps to 1/100."""
    gamma = 1e-6
    assert int(march(Task(2, steps=50), gamma, gamma**2 / 4).settled_at) == 7
    assert int(march(Task(2, steps=6), gamma, gamma**2 / 4).settled_at) == 7


def test_control_a_run_at_rest_before_its_target_has_not_converged():
    """Steps below the rounding error of the weight: it rests, and the block ends early."""
    ends = march(Task(2, model="wide", steps=5000), 1e4, 1e-13)
    assert int(ends.settled_at) == 5001


def test_control_a_cycle_of_length_two_has_not_converged():
    """Sign descent of step 1 jumps across the minimum of width 1/100 for ever."""
    for steps in (100, 101):
        assert int(march(Task(2, optimizer="sign", steps=steps), 1.0, 0.3).settled_at) == steps + 1


@pytest.mark.parametrize(
    ("gamma", "eta", "said"),
    [
        (0.0, 1.0, r"richness: gamma must be positive and finite; given \[0.0\]"),
        (-2.0, 1.0, r"richness: gamma must be positive and finite; given \[-2.0\]"),
        (1.0, [1.0, np.nan], r"richness: eta must be positive and finite; given \[nan\]"),
        (1.0, [], "richness: eta must be positive and finite; given nothing"),
        (
            1e-13,
            1.0,
            "gamma must be at least 2.2e-11 for an error of 0.01: below, centring cancels the digits",
        ),
    ],
)
def test_bad_numbers_are_refused(gamma, eta, said):
    with pytest.raises(ValueError, match=said):
        march(Task(), gamma, eta)
