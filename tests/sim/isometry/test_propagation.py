"""The chain: exact identities, gradients against difference quotients, and what it says of lost ranks."""

import numpy as np
import pytest

from scalewright.sim.isometry import Network, chain
from scalewright.sim.isometry.start import starts
from scalewright.sim.isometry.weights import generators


def differences(path):
    return path.isometry_gap.diff("layer").values - path.log_row_norms.values[:, 1:]


@pytest.mark.parametrize("shape", [(8, 8), (8, 12), (16, 16)])
def test_identity_one_step_of_the_isometry_gap(shape):
    """phi(BN(W X)) - phi(X) = mean log q, whatever the orthogonal W, wherever n >= d; to 1e-12."""
    path = chain(Network(*shape), depth=60, seeds=range(4))
    assert abs(differences(path)).max() < 1e-12
    assert path.attrs["status"] == "complete"


def test_control_gaussian_weights_and_activations_break_the_identity():
    for network in (Network(8, 8, weights="gaussian"), Network(8, 8, activation="tanh"), Network(8, 4)):
        assert abs(differences(chain(network, depth=10))).max() > 1e-3


def test_identity_the_gap_never_rises_with_orthogonal_weights():
    gap = chain(Network(8, 8), depth=100, seeds=range(4), gradients=False).isometry_gap.values
    assert (np.diff(gap, axis=1) <= 1e-14).all()


@pytest.mark.parametrize(
    "network",
    [
        Network(5, 5),
        Network(4, 6, centred=True, weights="gaussian"),
        Network(5, 4, activation="sin", gain=0.9),
    ],
)
def test_oracle_gradients_are_difference_quotients(network):
    """Independent: the loss <G, X_L> at two weights and at two inputs, by the forward pass alone."""
    depth, step = 4, 1e-6
    path = chain(network, depth=depth, seeds=[3])
    stream = np.random.default_rng(np.random.SeedSequence([3, 0xBAC]))
    gradient = stream.standard_normal((network.width, network.samples))
    gradient /= np.linalg.norm(gradient)
    streams, x = generators([3]), starts(network, "gaussian", [3])
    weights, inputs = [], x[0]
    for _ in range(depth):
        layer = network.layer(streams, x, float(np.asarray(network.gain)))
        weights.append(layer.weights[0])
        x = layer.outputs

    def loss(matrices, start):
        y = start
        for w in matrices:
            rows = w @ y
            rows = rows - rows.mean(-1, keepdims=True) if network.centred else rows
            rows = rows / np.sqrt((rows**2).mean(-1, keepdims=True)) * float(np.asarray(network.gain))
            y = np.sin(rows) if network.activation == "sin" else rows
        return (gradient * y).sum()

    def norm(change, shape):
        found = np.zeros(shape)
        for place in np.ndindex(*shape):
            delta = np.zeros(shape)
            delta[place] = step
            found[place] = (change(delta) - change(-delta)) / (2 * step)
        return np.log(np.linalg.norm(found))

    def moved(index):
        def change(delta):
            return loss([w + delta if i == index else w for i, w in enumerate(weights)], inputs)

        return change

    for index in range(depth):
        expected = norm(moved(index), weights[0].shape)
        assert path.log_gradient.values[0, index + 1] == pytest.approx(expected, abs=1e-6)
    first = norm(lambda delta: loss(weights, inputs + delta), inputs.shape)
    assert path.log_input_gradient.values[0, 0] == pytest.approx(first, abs=1e-6)
    assert path.log_input_gradient.values[0, -1] == 0.0


def test_nothing_overflows_at_any_depth():
    """Unshaped sines: more nats than the 709 that float64 holds as a number."""
    network = Network(6, 6, weights="gaussian", activation="sin", gain=2.0)
    path = chain(network, depth=1500, observe_at=[])
    assert float(path.log_input_gradient[0, 0]) > 709
    assert np.isfinite(path.log_gradient.values[:, 1:]).all()


def test_seeds_in_blocks_are_the_seeds_at_once(monkeypatch):
    whole = chain(Network(5, 5), depth=7, seeds=range(5))
    monkeypatch.setattr("scalewright.sim.isometry.propagation.KEPT", 1)
    parts = chain(Network(5, 5), depth=7, seeds=range(5))
    for name in whole:
        np.testing.assert_array_equal(whole[name], parts[name])


def test_a_degenerate_input_is_said_with_its_rank():
    x = np.random.default_rng(0).standard_normal((6, 6))
    x[:, 3:] = x[:, :3]
    path = chain(Network(6, 6), depth=3, start=x)
    assert np.isinf(path.isometry_gap.values).all()
    assert path["rank"].values.tolist() == [[3, 3, 3, 3]]
    assert path.attrs["status"].startswith(
        "degenerate input: seed 0 has rank 3 of 6, and its isometry gap is infinite; give 6 "
        "linearly independent"
    )
    assert np.isfinite(path.log_gradient.values[:, 1:]).all()


def test_a_rank_that_rounding_takes_is_said_with_its_layer():
    path = chain(Network(16, 16, weights="gaussian"), depth=200, gradients=False)
    assert path.attrs["status"].startswith("rank lost to rounding: ")
    assert np.isinf(path.isometry_gap.values[0, -1])


def test_centred_rows_are_judged_by_the_rank_that_they_can_have():
    path = chain(Network(8, 9, centred=True), depth=200, gradients=False)
    assert path.attrs["status"] == "complete"
    assert path.isometry_gap.values[0, -1] < 1e-10


def test_a_spectrum_is_that_of_the_input():
    values = [4.0, 2.0, 1.0, 0.5]
    for shape in ((4, 4), (4, 6), (6, 4)):
        x = starts(Network(*shape), values, [0, 1])
        assert x.shape == (2, *shape)
        found = np.linalg.svd(x, compute_uv=False) ** 2
        np.testing.assert_allclose(found, [values, values], rtol=1e-12)


def test_only_observed_layers_are_decomposed():
    path = chain(Network(4, 4), depth=5, observe_at=[0, 5])
    assert np.isfinite(path.isometry_gap.values[0]).tolist() == [True, False, False, False, False, True]


def test_progress_reaches_the_end():
    seen = []
    chain(Network(3, 3), depth=4, seeds=range(2), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (8, 8)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"depth": 0}, "depth must be an integer of at least 1; given 0"),
        ({"depth": 2, "seeds": []}, r"seeds must be non-negative integers; given \[\]"),
        ({"depth": 2, "seeds": [-1]}, "seeds must be non-negative integers"),
        ({"depth": 2, "observe_at": [3]}, "observe_at must hold layers between 0 and depth = 2; given 3"),
        (
            {"depth": 2, "start": "uniform"},
            "start must be 'gaussian', a spectrum or matrices; given 'uniform'",
        ),
        (
            {"depth": 2, "start": [1.0, 2.0]},
            r"a spectrum must hold min\(width, samples\) = 4 eigenvalues >= 0",
        ),
        (
            {"depth": 2, "start": np.ones((3, 4))},
            r"start must be a matrix \(4, 4\), or one a seed \(1\); given",
        ),
        ({"depth": 2, "start": np.full((4, 4), np.nan)}, "start must be finite; given nan or inf"),
        ({"depth": 2, "start": np.zeros((4, 4))}, "a row of W X is zero at layer 1, and can't be normalised"),
    ],
)
def test_bad_input_gets_one_sentence(arguments, said):
    with pytest.raises(ValueError, match=said), np.errstate(all="ignore"):
        chain(Network(4, 4), **arguments)
