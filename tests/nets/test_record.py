"""Observables beside the eigenvalues: against numpy, in other gauges, and for texts."""

import re
from functools import partial

import numpy as np
import pytest
import torch

from scalewright import nets, theory
from scalewright.nets.objective import Objective
from scalewright.nets.record import MEASURES, Precision, Recorder, check_quantities
from scalewright.theory.power import Power

LAYERS = ("input.weight", "hidden.0.weight", "readout.weight")


def measured(name, networks, data, loss="mse"):
    """Return one observable of every member."""
    return MEASURES[name][0](Objective.of(networks, loss, data)).numpy()


def features(networks, inputs, member):
    """Return the outputs of every layer (P, units) of a tanh network in numpy."""
    rows, found = inputs.numpy(), []
    for name, weight in networks.weights(effective=True)[member].items():
        rows = (rows if name == "input.weight" else np.tanh(rows)) @ weight.T
        found.append(rows)
    return found


def test_oracle_alignment(ensemble, data):
    r"""Oracle: numpy's $\mathrm{tr}(K Y) / \sqrt{\mathrm{tr}(K^2) \mathrm{tr}(Y^2)}$ of hand-made layers."""
    networks = ensemble(seeds=(0, 1))
    found = measured("alignment", networks, data)
    wanted = data[1].numpy() @ data[1].numpy().T
    for member in range(2):
        for layer, rows in enumerate(features(networks, data[0], member)):
            kernel = rows @ rows.T
            cosine = np.trace(kernel @ wanted) / np.sqrt(
                np.trace(kernel @ kernel) * np.trace(wanted @ wanted)
            )
            np.testing.assert_allclose(found[member, layer], cosine, rtol=1e-12)


def test_identity_alignment_of_the_targets_themselves_is_1(ensemble, data):
    """Identity: targets that are the outputs align with the readout; class indices are one-hot rows."""
    networks = ensemble(seeds=(0,))
    own = networks.forward(networks.parameters, data[0])[0]
    found = measured("alignment", networks, (data[0], own))
    np.testing.assert_allclose(found[0, 2], 1, rtol=1e-12)
    assert (found[0, :2] < 1 - 1e-3).all()
    classes = torch.tensor([0, 1, 1, 0, 1, 0])
    pair = [
        measured("alignment", networks, (data[0], targets), "cross-entropy")
        for targets in (classes, torch.nn.functional.one_hot(classes, 2).double())
    ]
    np.testing.assert_allclose(*pair, rtol=1e-12)


def test_oracle_logits_outputs_and_accuracy(ensemble, data, labels):
    """Oracle: numpy on hand-made outputs; the class of real targets is their largest."""
    networks = ensemble(seeds=(0, 1))
    logits, outputs = measured("logits", networks, data), measured("outputs", networks, data)
    accuracy = measured("accuracy", networks, labels, "cross-entropy")
    centred = torch.nn.functional.one_hot(labels[1], 2).double() - 0.5
    same = measured("accuracy", networks, (labels[0], centred))
    for member in range(2):
        rows = features(networks, data[0], member)[-1]
        np.testing.assert_allclose(outputs[member], rows, rtol=1e-12)
        np.testing.assert_allclose(logits[member], np.sqrt((rows**2).mean()), rtol=1e-12)
        assert accuracy[member] == same[member] == (rows.argmax(1) == labels[1].numpy()).mean()


def test_identity_gradient_norm_is_the_same_in_every_gauge(ensemble, data):
    """Identity: of all weights for SGD, 1e-10; control: with a wrong rate, or without Lambda, it is not."""
    factor, width = Power({"width": "1/2"}), Power({"width": "1/4"})
    mine = ensemble()
    found = measured("gradient_norm", mine, data)
    shifted = measured("gradient_norm", ensemble(changes={"factor": factor}), data)
    other = measured("gradient_norm", ensemble(changes={"gauge": "no-multipliers"}), data)
    wrong = measured("gradient_norm", ensemble(changes={"factor": factor, "rate": width}), data)
    np.testing.assert_allclose(shifted, found, rtol=1e-10)
    np.testing.assert_allclose(other, found, rtol=1e-10)
    assert not np.isclose(wrong, found, rtol=1e-3).any()
    _, gradients = Objective.of(mine, "mse", data).gradient()
    for layer, name in enumerate(LAYERS):
        plain = gradients[name].flatten(1).norm(dim=1).numpy()
        np.testing.assert_allclose(found[:, layer], mine.rates[name].sqrt().numpy() * plain, rtol=1e-12)


def test_identity_loss_falls_by_the_gradient_norm(ensemble, data):
    """Identity: dL/dt = -sum over layers of |g_l|^2 at small learning rates; first order in lr = 1e-6."""
    networks = ensemble(lrs=(1e-6,))
    path = nets.train(networks, data, steps=1, observe_at=(0,), quantities=("gradient_norm",))
    rate = (path.loss[..., 1] - path.loss[..., 0]).values / 1e-6
    np.testing.assert_allclose(rate, -(path.gradient_norm[..., 0, :] ** 2).sum("layer"), rtol=1e-4)


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("positions", [5, 4])
def test_identity_a_text_is_measured_like_a_member_of_its_own(name, positions):
    """Identity: every observable of a transformer; shared samples are those that each member owns."""
    build, rules = partial(nets.models.gpt, 1), theory.named(theory.gpt(), "mup", "sgd")
    networks = nets.Ensemble.of(
        build, rules, width=8, inputs=positions, outputs=7, seeds=(0, 1), device="cpu"
    )
    tokens, targets = torch.randint(7, (2, 4, positions), generator=torch.Generator().manual_seed(0))
    shared = measured(name, networks, (tokens, targets), "cross-entropy")
    data = nets.data.TensorData(tokens.expand(2, -1, -1), targets.expand(2, -1, -1), shared=False)
    np.testing.assert_allclose(
        measured(name, networks, data, "cross-entropy"), shared, rtol=1e-10, atol=1e-13
    )
    assert shared.ndim == 1 + len(MEASURES[name][1])
    assert np.isfinite(shared).all()
    if name == "alignment":  # that of the positions, which are the same in every sample, is of ones
        rows = torch.nn.functional.one_hot(targets, 7).double().flatten(1).numpy()
        wanted = rows @ rows.T
        np.testing.assert_allclose(shared[:, 1], wanted.sum() / (4 * np.linalg.norm(wanted)), rtol=1e-10)


def test_identity_only_active_members_are_written(ensemble, data):
    """Identity: the others stay nan, and those that are written are what they are in all of them."""
    networks = ensemble(seeds=(0, 1, 2))
    networks.parameters["input.weight"][1] = float("nan")
    objective = Objective.of(networks, "mse", data)
    record = Recorder(3, 2, ("sharpness", "feature_change", "logits"), Precision(1e-9))
    active = torch.tensor([True, False, True])
    record.observe(1, "step 7", objective, active)
    record.losses(1, objective.losses(networks.parameters), active)
    for name, values in record.values.items():
        assert np.isnan(values[1]).all(), name
        assert np.isnan(values[:, 0]).all(), name
        assert np.isfinite(values[[0, 2], 1]).all(), name
    part = networks.select([0, 2])
    exact = nets.measure(part, data, quantities=("sharpness",), tolerance=1e-9)["sharpness"]
    np.testing.assert_allclose(record.values["sharpness"][[0, 2], 1], exact.values[:, 0], rtol=1e-8)
    assert record.unconverged == []
    record.observe(0, "step 8", objective, torch.zeros(3, dtype=torch.bool))
    assert np.isnan(record.values["logits"][:, 0]).all()


def test_control_missed_tolerance_is_warned_of(ensemble, data):
    """Control: two products are too few, and the caller's warning says where."""
    networks = ensemble()
    record = Recorder(2, 1, ("sharpness",), Precision(1e-9, budget=2))
    record.observe(0, "time 0.5", Objective.of(networks, "mse", data), networks.active)
    with pytest.warns(UserWarning, match=r"^flow: 1 measurements; sharpness at time 0.5: not converged"):
        record.warn("flow")


def test_bad_quantities():
    """Property: the whole sentence; the tolerance counts only where there are eigenvalues."""
    sentence = (
        "sweep: every quantity must be one of sharpness, raw_sharpness, ntk, gauss_newton, residual, logits, "
        "accuracy, outputs, feature_change, alignment, gradient_norm; given 'hessian'"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        check_quantities("sweep", ("loss", "hessian")[1:], Precision(), torch.float64)
    check_quantities("sweep", ("logits",), Precision(1e-12), torch.float32)
    sentence = "sweep: tolerance must be at least 1.2e-05 in torch.float32; given 1e-12"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        check_quantities("sweep", ("ntk",), Precision(1e-12), torch.float32)
