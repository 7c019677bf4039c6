"""Measuring again after a small move, and following a network through training."""

import numpy as np
import pytest
import torch

from scalewright import nets
from scalewright.nets.curvature.lanczos import Lanczos
from scalewright.nets.curvature.start import random_start
from scalewright.nets.curvature.warm import Memory, warm_eigenpair


def remembered(operator, remember=4, tolerance=1e-6):
    """Return the memory of a cold start."""
    run = Lanczos(operator, 1, tolerance=tolerance, certify=None, basis=80, keep=remember)
    run.begin(random_start(operator, 0), certain=True)
    while run.step():
        pass
    pairs = run.finish(200)
    values = torch.from_numpy(run.space_values).to(operator.dtype)
    return Memory((pairs.vectors[:, 0],), run.space, values, pairs.certified_to)


def moved(known, by, seed=0, members=2):
    """Return two operators: a known spectrum, and the same a little perturbed."""
    rng = np.random.default_rng(seed)
    spectra = np.stack([np.r_[rng.uniform(-1, 1, 57), 2.0, 2.5, 3.0] for _ in range(members)])
    before, after = known(spectra), known(spectra)
    shift = torch.from_numpy(rng.standard_normal((members, 60, 60)))
    after.matrices = after.matrices + by * (shift + shift.mT) / np.sqrt(120)
    return before, after


@pytest.mark.parametrize("tolerance", [1e-2, 1e-5])
def test_oracle_warm_pairs_are_those_of_the_dense_matrix(known, tolerance):
    """Oracle: numpy's eigenvalues; the residual is the true one; fewer products than a cold start."""
    before, after = moved(known, 0.05)
    pairs, later = warm_eigenpair(after, remembered(before), tolerance=tolerance)
    exact = np.linalg.eigvalsh(after.matrices.numpy())[:, -1]
    assert pairs.converged.all()
    assert (np.abs(pairs.values[:, 0] - exact) <= pairs.errors[:, 0]).all()
    vectors, theta = pairs.vectors[:, 0], torch.from_numpy(pairs.values)
    errors = torch.linalg.vector_norm(after.product(vectors) - theta * vectors, dim=1) / theta[:, 0].abs()
    np.testing.assert_allclose(pairs.residuals[:, 0], errors, rtol=1e-6, atol=1e-12)
    assert pairs.matvecs < nets.top_eigenpairs(after, tolerance=tolerance).matvecs
    assert pairs.certified_age == later.certified_age == 1


def test_identity_the_memory_is_orthonormal_and_close_to_the_spectrum(known):
    """Identity: remembered vectors are orthonormal, and their values Rayleigh quotients up to the move."""
    before, after = moved(known, 0.02)
    _, later = warm_eigenpair(after, remembered(before), tolerance=1e-4)
    gram = torch.bmm(later.space, later.space.mT)
    torch.testing.assert_close(gram, torch.eye(4, dtype=torch.float64).expand(2, 4, 4), rtol=0, atol=1e-6)
    exact = np.linalg.eigvalsh(after.matrices.numpy())[:, ::-1][:, :3]
    np.testing.assert_allclose(later.values[:, :3], exact, atol=0.05)


def test_identity_prediction_goes_on_along_the_last_move():
    """Identity: vectors on a line are continued; one vector is kept; a turn back is not followed."""
    space = torch.zeros(1, 1, 3)
    points = [torch.tensor([[1.0, 0.1 * step, 0.0]]) for step in (0, 1, 2)]
    for count, expected in ((1, 0.2), (2, 0.3), (3, 0.3)):
        memory = Memory(tuple(points[-count:]), space, torch.zeros(1, 1), np.ones((1, 1)))
        torch.testing.assert_close(memory.predicted()[0, 1], torch.tensor(expected))
    back = Memory((points[0], points[1], points[0]), space, torch.zeros(1, 1), np.ones((1, 1)))
    torch.testing.assert_close(back.predicted(), points[0])


def test_control_an_unconverged_warm_run_says_so(known):
    """Control: two products are not enough for a far move, and the status says what to do."""
    before, after = moved(known, 0.5)
    pairs, _ = warm_eigenpair(after, remembered(before), tolerance=1e-8, budget=2)
    assert (pairs.matvecs, bool(pairs.converged.any())) == (2, False)
    assert "raise budget=2" in pairs.status


def test_property_many_directions_are_combined(known):
    """Property: a hard run goes through several combinations of its directions, and still ends right."""
    rng = np.random.default_rng(0)
    spectrum = np.r_[rng.uniform(0, 1, 198), 1.01, 1.015]
    before, after = known(spectrum, seed=0), known(spectrum, seed=1)
    pairs, _ = warm_eigenpair(after, remembered(before), tolerance=1e-5, budget=300)
    assert pairs.matvecs > 20
    assert pairs.converged.all()
    np.testing.assert_allclose(pairs.values[0, 0], 1.015, rtol=1e-6)


def emerging(diagonal, height):
    """Return a diagonal operator whose second axis rises; the first is 1 and the others are below 0.5."""
    return diagonal(np.r_[1.0, height, np.linspace(0, 0.5, 198)])


@pytest.mark.parametrize(("noise", "found"), [(0.5, True), (0.0, False)])
def test_property_a_new_top_direction_cannot_hide(diagonal, noise, found):
    """Property: exactly orthogonal to all that is remembered, it is found through the fresh random part.

    Control: without it the warm run never sees the direction, with small residuals and converged.
    """
    memory = remembered(emerging(diagonal, 0.1), remember=2)
    clean = torch.zeros(1, 200, dtype=torch.float64)
    clean[0, 0] = 1
    memory = Memory((clean,), clean[:, None], torch.ones(1, 1, dtype=torch.float64), memory.certified_to)
    values = []
    for turn in range(25):
        pairs, memory = warm_eigenpair(
            emerging(diagonal, 2.0), memory, tolerance=1e-2, noise=noise, seed=turn
        )
        assert pairs.converged.all()
        values.append(pairs.values[0, 0])
    assert bool(values[-1] > 1.99) is found
    assert abs(values[0] - 1.0) < 0.01


def networks(ensemble, data, **arguments):
    """Return a tracker of two tiny networks."""
    return nets.SharpnessTracker(ensemble(**arguments), "mse", data, every=2, recheck=3)


def descend(model, data, rate):
    """Take a step of gradient descent on the squared loss."""
    inputs, targets = data
    loss = (model(inputs) - targets).square().sum() / (2 * len(inputs))
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for weight in model.parameters():
            weight -= rate * weight.grad


def test_oracle_a_tracked_network_has_the_curvature_of_cold_starts(data):
    """Oracle: at every measurement all quantities agree with measurements from scratch."""
    torch.manual_seed(0)
    model = nets.models.mlp(2, 8, 3, 2, "tanh").double()
    names = nets.curvature.quantities.QUANTITIES
    tracker = nets.SharpnessTracker(model, "mse", data, every=5, quantities=names, tolerance=1e-5, recheck=4)
    missed = []
    for step in range(41):
        found = tracker.step()
        assert bool(found) == (step % 5 == 0)
        for row in found:
            fresh = nets.quantities(model, "mse", data, [row.quantity], tolerance=1e-7, probes=200)[
                row.quantity
            ]
            value = fresh.values[0, 0] if fresh.values.ndim == 2 else fresh.values[0]
            # residual bounds, or 5 standard errors of a trace
            if abs(row.values[0] - value) > 5 * row.errors[0] + 1e-6 * abs(value):
                missed.append((row.quantity, row.kind))
        descend(model, data, 0.2)
    assert missed == []
    trajectory = tracker.trajectory
    assert trajectory.sizes["step"] == 9
    assert {"sharpness", "sharpness_error", "trace", "hessian_trace", "ntk"} <= set(trajectory)
    assert trajectory.attrs["unconverged"] == 0
    hessian = [row for row in tracker.measurements if row.quantity == "hessian"]
    kinds = [row.kind for row in hessian]
    assert (kinds[0], kinds[4], kinds[8]) == ("cold", "checked", "checked")
    assert kinds.count("warm") >= 4
    ages = [row.pairs.certified_age for row in hessian]
    expected = [0]
    for kind in kinds[1:]:
        expected.append(expected[-1] + 1 if kind == "warm" else 0)
    assert ages == expected
    assert all(row.cold_products > 0 for row in hessian if row.kind != "warm")
    cold = np.mean([row.cold_products for row in hessian if row.kind == "checked"])
    assert np.mean([row.products for row in hessian[1:]]) < cold


def test_property_a_jump_is_checked_by_a_cold_start(diagonal, data, monkeypatch):
    """Property: an eigenvalue that has jumped is measured cold too; control: one that has not is not."""
    tops = [1.1, 1.2, 2.2, 2.2]
    operators = iter([diagonal(np.r_[top, np.linspace(0, 0.5, 99)]) for top in tops])
    tracker = nets.SharpnessTracker(torch.nn.Linear(3, 2).double(), "mse", data, every=1, recheck=50)
    monkeypatch.setattr(tracker, "_operator", lambda kind, metric: next(operators))
    rows = [tracker.measure(step)[0] for step in range(4)]
    assert [row.kind for row in rows] == ["cold", "warm", "checked", "warm"]


def test_identity_an_ensemble_is_tracked_member_by_member(ensemble, data):
    """Identity: every member has the values of its own tracker, to the residual bounds."""
    together = ensemble(seeds=(0, 1, 2))
    alone = [ensemble(seeds=(seed,)) for seed in (0, 1, 2)]
    trackers = [
        nets.SharpnessTracker(part, "mse", data, every=1, tolerance=1e-6, quantities=("hessian", "ntk"))
        for part in (together, *alone)
    ]
    for _ in range(4):
        for tracker in trackers:
            tracker.step()
            nets.train(tracker.model, data, steps=5)
    whole, *parts = (tracker.trajectory for tracker in trackers)
    assert whole.sharpness.dims == ("seed", "lr", "step")
    for index, part in enumerate(parts):
        for name in ("sharpness", "ntk"):
            np.testing.assert_allclose(whole[name].values[index], part[name].values[0], rtol=1e-6)


def test_property_a_missed_top_is_reported(diagonal, data, monkeypatch):
    """Property: a checked measurement that finds more than the warm one says so and goes on from there."""
    operators = iter([emerging(diagonal, 0.1), *[emerging(diagonal, 2.0)] * 3])
    tracker = nets.SharpnessTracker(
        torch.nn.Linear(3, 2).double(), "mse", data, every=1, recheck=2, noise=0.0
    )
    monkeypatch.setattr(tracker, "_operator", lambda kind, metric: next(operators))
    rows = [tracker.measure(step)[0] for step in range(3)]
    rows[0].pairs.vectors.zero_()[0, 0, 0] = 1  # remember nothing of the second axis
    assert [row.kind for row in rows] == ["cold", "warm", "checked"]
    assert rows[2].values[0] == pytest.approx(2.0, rel=1e-3)
    assert (tracker.trajectory.attrs["missed"], bool(rows[2].missed[0])) in ((1, True), (0, False))


def test_identity_a_live_optimizer_is_the_metric(data):
    """Identity: tracked with Adam, the sharpness is that of the preconditioned Hessian."""
    torch.manual_seed(0)
    model = nets.models.mlp(2, 8, 3, 2, "tanh").double()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        (model(data[0]) - data[1]).square().sum().backward()
        optimizer.step()
    tracker = nets.SharpnessTracker(model, "mse", data, optimizer=optimizer, tolerance=1e-7)
    (row,) = tracker.step()
    folded = nets.Preconditioned(nets.Hessian(model, "mse", data, raw=True), optimizer)
    assert row.values[0] == pytest.approx(nets.top_eigenpairs(folded, tolerance=1e-8).values[0, 0], rel=1e-7)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"every": 0}, "SharpnessTracker: every must be an integer >= 1; given 0"),
        ({"recheck": -1}, "SharpnessTracker: recheck must be an integer >= 0; given -1"),
        ({"quantities": ("hesse",)}, "SharpnessTracker: every quantity must be one of hessian, gauss_newton, "
         "residual, ntk, trace, hessian_trace, directional_sharpness; given 'hesse'"),
    ],
)  # fmt: skip
def test_bad_input(arguments, sentence, data):
    """Property: the whole sentence."""
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        nets.SharpnessTracker(torch.nn.Linear(3, 2), "mse", data, **arguments)
