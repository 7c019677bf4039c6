"""Training: exact invariances with controls that break them, divergence, records, bad input."""

import re

import numpy as np
import pytest
import torch

from scalewright import nets
from scalewright.theory.power import Power

STEPS = {"steps": 8, "observe_at": (0, 8), "tolerance": 1e-9}
WATCHED = ("loss", "sharpness", "gauss_newton", "residual", "ntk")


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("power", ["1/2", "-1"])
def test_identity_gauge(ensemble, data, optimizer, power):
    """Identity: a+theta, b-theta, c-2theta (SGD) or c-theta, e-theta (Adam) is the same training.

    Losses and spectra agree to 1e-8 (float64; eigenvalues at residual 1e-9). Control: a wrong c does not.
    """
    changes = {"optimizer": optimizer}
    factor, width = Power({"width": power}), Power({"width": "1/4"})
    first = nets.train(ensemble(changes=changes), data, **STEPS)
    second = nets.train(ensemble(changes={**changes, "factor": factor}), data, **STEPS)
    wrong = nets.train(ensemble(changes={**changes, "factor": factor, "rate": width}), data, **STEPS)
    for name in WATCHED:
        np.testing.assert_allclose(first[name], second[name], rtol=1e-8)
        assert not np.allclose(first[name].values[..., -1], wrong[name].values[..., -1], rtol=1e-3)


def test_identity_rotated_data_and_input_weights_train_alike(ensemble, data):
    """Identity: a linear network started at W Q^T on data x Q^T is the one at W on x; control: data alone."""
    rotation = torch.linalg.qr(
        torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    )[0]
    networks, turned, control = (ensemble(activation="linear") for _ in range(3))
    turned.parameters["input.weight"] = turned.parameters["input.weight"] @ rotation.T
    rotated = (data[0] @ rotation.T, data[1])
    first = nets.train(networks, data, **STEPS)
    second = nets.train(turned, rotated, **STEPS)
    third = nets.train(control, rotated, **STEPS)
    for name in WATCHED:
        np.testing.assert_allclose(first[name], second[name], rtol=1e-8)
        assert not np.allclose(first[name].values[..., -1], third[name].values[..., -1], rtol=1e-3)


def test_oracle_gradient_descent_in_numpy(ensemble, data):
    """Oracle: a two-layer linear network by hand-written derivatives."""
    networks = ensemble(layers=2, activation="linear", seeds=(0,))
    numbers = {
        name: (networks.multipliers[name].item(), networks.rates[name].item()) for name in networks.rates
    }
    first, second = networks.weights()[0].values()
    (m, r), (n, s) = numbers.values()
    inputs, targets = data[0].numpy(), data[1].numpy()
    losses = []
    for _ in range(6):
        error = m * n * inputs @ first.T @ second.T - targets
        losses.append((error**2).sum() / 12)
        moved = first - 0.1 * r * m * n * second.T @ error.T @ inputs / 6
        second = second - 0.1 * s * m * n * error.T @ inputs @ first.T / 6
        first = moved
    path = nets.train(networks, data, steps=5)
    np.testing.assert_allclose(path.loss.values[0, 0], losses, rtol=1e-11)


def test_identity_spectra_on_the_way_are_those_measured_at_the_end(ensemble, data):
    """Identity: what `train` records at its last step is what `measure` finds afterwards."""
    networks = ensemble()
    path = nets.train(networks, data, **STEPS)
    found = nets.measure(networks, data, tolerance=1e-9)
    for name, pairs in found.items():
        np.testing.assert_allclose(path[name].values[..., -1].ravel(), pairs.values[:, 0], rtol=1e-8)
    np.testing.assert_allclose(path.ntk, 6 * path.gauss_newton, rtol=1e-8)
    assert np.isnan(path.sharpness.values[..., 1:-1]).all()
    assert (path.sharpness_error.values[..., [0, -1]] <= 1e-9 * path.sharpness.values[..., [0, -1]]).all()


def test_identity_diverged_member_is_frozen_and_the_others_do_not_notice(ensemble, data):
    """Identity: to the byte, members beside one that diverges are those beside one that doesn't."""
    bad = ensemble(seeds=(0,), lrs=(0.1, 1e9, 0.2), activation="linear")
    good = ensemble(seeds=(0,), lrs=(0.1, 1e-9, 0.2), activation="linear")
    path = nets.train(bad, data, steps=12, observe_at=(0, 12), quantities=("sharpness", "feature_change"))
    calm = nets.train(good, data, steps=12, observe_at=(0, 12), quantities=("sharpness", "feature_change"))
    step = int(path.diverged_at.values[0, 1])
    assert path.diverged_at.values.tolist() == [[-1, step, -1]]
    assert 1 <= step <= 3
    losses = path.loss.values[0]
    assert losses[1, step] > 1e6 * losses[1, 0]
    assert np.isnan(losses[1, step + 1 :]).all()
    assert np.isnan(path.sharpness.values[0, 1, -1])
    for member in (0, 2):
        assert losses[member].tobytes() == calm.loss.values[0, member].tobytes()
        np.testing.assert_allclose(
            path.sharpness.values[0, member], calm.sharpness.values[0, member], rtol=1e-9
        )
        for name, weight in bad.weights()[member].items():
            assert weight.tobytes() == good.weights()[member][name].tobytes()
    again = ensemble(seeds=(0,), lrs=(0.1, 1e9, 0.2), activation="linear")
    nets.train(again, data, steps=step)
    assert again.weights()[1]["input.weight"].tobytes() == bad.weights()[1]["input.weight"].tobytes()


def test_cross_entropy_and_float32(ensemble, labels):
    """Property: cross-entropy from class indices falls, in the dtype asked for."""
    networks = ensemble(dtype=torch.float32)
    path = nets.train(networks, labels, steps=20, loss="cross-entropy", observe_at=(20,))
    assert (path.loss.values[..., -1] < path.loss.values[..., 0]).all()
    assert (path.attrs["dtype"], path.attrs["loss"]) == ("float32", "cross-entropy")
    assert np.isfinite(path.sharpness.values[..., -1]).all()


def test_control_missed_tolerance_is_counted_and_warned_of(ensemble, data):
    """Control: two products are too few, and neither the attributes nor the warning hide it."""
    with pytest.warns(UserWarning, match="sharpness at step 0: not converged: 2 of 2 pairs"):
        path = nets.train(ensemble(), data, steps=0, observe_at=(0,), quantities=("sharpness",), budget=2)
    assert path.attrs["unconverged"] == 1
    assert (path.sharpness_error.values[..., 0] > 1e-3 * path.sharpness.values[..., 0]).all()


def test_progress_and_interruption(ensemble, data):
    """Property: progress sees every step, and an interruption leaves the steps that were done."""
    seen = []
    nets.train(ensemble(), data, steps=3, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]

    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    stopped, two = ensemble(), ensemble()
    with pytest.raises(KeyboardInterrupt):
        nets.train(stopped, data, steps=9, progress=interrupt)
    nets.train(two, data, steps=2)
    assert stopped.weights()[0]["input.weight"].tobytes() == two.weights()[0]["input.weight"].tobytes()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"steps": -1}, "train: steps must be non-negative; given -1"),
        ({"steps": 2, "observe_at": (3,)}, "train: observe_at must lie between 0 and steps = 2; given 3"),
        (
            {"steps": 2, "quantities": ("trace",)},
            "train: every quantity must be one of sharpness, raw_sharpness, ntk, gauss_newton, residual, "
            "logits, accuracy, outputs, feature_change, alignment, gradient_norm; given 'trace'",
        ),
        ({"steps": 2, "loss": "hinge"}, "loss must be one of 'mse', 'cross-entropy'; given 'hinge'"),
    ],
)
def test_bad_input(ensemble, data, arguments, sentence):
    """Property: the whole sentence."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        nets.train(ensemble(), data, **arguments)


def test_bad_data(ensemble):
    """Property: the whole sentence, for another kind and for lengths that differ."""
    sentence = "data must be an (inputs, targets) pair or the result of data.load; given int"
    with pytest.raises(TypeError, match=f"^{re.escape(sentence)}$"):
        nets.train(ensemble(), 3, steps=1)
    sentence = "data: inputs and targets must have the same positive number of samples; given 2 and 3"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        nets.train(ensemble(), (np.zeros((2, 3)), np.zeros((3, 2))), steps=1)


@pytest.mark.parametrize(
    ("inputs", "targets", "kind", "sentence"),
    [
        (
            [[1.0], [np.nan]],
            [[1.0], [0.0]],
            ValueError,
            "inputs must be finite; given nan or inf in sample 1",
        ),
        (
            [[1.0], [2.0]],
            [[np.inf], [0.0]],
            ValueError,
            "targets must be finite; given nan or inf in sample 0",
        ),
        (
            [[1, 2, 3]],
            [[0.0, 1.0]],
            TypeError,
            "inputs must be real numbers for this model; given torch.int64: convert them, "
            "as by inputs.astype(float)",
        ),
    ],
)
def test_data_that_are_no_finite_reals(ensemble, inputs, targets, kind, sentence):
    """Property: the whole sentence."""
    with pytest.raises(kind, match=f"^data: {re.escape(sentence)}$"):
        nets.train(ensemble(), (np.array(inputs), np.array(targets)), steps=1)


@pytest.mark.parametrize("label", [-1, 2])
def test_class_indices_out_of_range(ensemble, labels, label):
    """Property: the whole sentence; control: int32 indices in range are those of int64."""
    wrong = labels[1].clone()
    wrong[2] = label
    sentence = f"data: class indices must lie between 0 and 1, the model's last output; given {label}"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        nets.train(ensemble(), (labels[0], wrong), steps=1, loss="cross-entropy")
    paths = [
        nets.train(ensemble(), (labels[0], indices), steps=2, loss="cross-entropy")
        for indices in (labels[1], labels[1].int())
    ]
    np.testing.assert_array_equal(paths[0].loss, paths[1].loss)


@pytest.mark.parametrize(
    ("arguments", "kind", "sentence"),
    [
        ({"steps": 2.0}, TypeError, "train: steps must be an integer; given 2.0"),
        (
            {"steps": 2, "observe_at": [0.5]},
            TypeError,
            "train: every step of observe_at must be an integer; given 0.5",
        ),
        (
            {"steps": 2, "observe_at": [2], "tolerance": 1e-9},
            ValueError,
            "train: tolerance must be at least 1.2e-05 in torch.float32; given 1e-09",
        ),
    ],
)
def test_bad_steps_and_tolerance(ensemble, data, arguments, kind, sentence):
    """Property: the whole sentence, before any step is taken."""
    networks = ensemble(dtype=torch.float32)
    before = networks.weights()[0]["input.weight"].tobytes()
    with pytest.raises(kind, match=f"^{re.escape(sentence)}$"):
        nets.train(networks, data, **arguments)
    assert networks.weights()[0]["input.weight"].tobytes() == before


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_oracle_cuda_follows_the_cpu(ensemble, data):
    """Oracle: the same trajectory on both devices in float64, to 1e-8 relative after 8 steps."""
    paths = [nets.train(ensemble(device=device), data, **STEPS) for device in ("cpu", "cuda")]
    for name in WATCHED:
        np.testing.assert_allclose(paths[1][name], paths[0][name], rtol=1e-8)
