"""Traces, spectral densities and overlaps, against dense spectra, with their error bars."""

import numpy as np
import pytest
import torch
from scipy import linalg

from scalewright import nets

RNG = np.random.default_rng(4)
DECAYING = np.stack([3 * 0.8 ** np.arange(150.0), 2 * 0.9 ** np.arange(150.0)])
SIGNED = np.stack([RNG.uniform(-1, 1, 150), np.r_[RNG.uniform(-1, 1, 147), 3, 4, 5]])


@pytest.mark.parametrize("spectra", [DECAYING, SIGNED])
@pytest.mark.parametrize("method", ["hutch++", "hutchinson"])
def test_oracle_trace_within_its_standard_errors(known, spectra, method):
    """Oracle: over 100 seeds the deviations in standard errors have a variance of about one, and no bias.

    Their mean is below 4 / sqrt(100), and 95 % of them are below 3 (Student's t of 20 samples allows 99.3 %).
    """
    operator = known(spectra)
    found = [nets.trace(operator, products=60, method=method, seed=seed) for seed in range(100)]
    values, errors = np.stack([f.values for f in found]), np.stack([f.errors for f in found])
    scaled = (values - spectra.sum(1)) / errors
    assert (np.abs(scaled.mean(0)) < 4 / np.sqrt(100) * 1.1).all()
    assert ((np.abs(scaled) < 3).mean(0) >= 0.95).all()
    assert {f.products for f in found} == {60}


def test_oracle_hutchpp_beats_hutchinson_where_eigenvalues_decay(known):
    """Oracle: its error is less than half at the same products; control: not so on a symmetric bulk."""
    errors = {
        method: np.mean([nets.trace(known(DECAYING), method=method, seed=s).errors for s in range(20)], 0)
        for method in ("hutch++", "hutchinson")
    }
    assert (errors["hutch++"] < 0.5 * errors["hutchinson"]).all()
    bulk = {m: nets.trace(known(SIGNED[:1]), method=m).errors[0] for m in ("hutch++", "hutchinson")}
    assert bulk["hutch++"] > 0.5 * bulk["hutchinson"]


def test_identity_enough_products_are_exact(known):
    """Identity: at `size` products the trace is summed, with no error."""
    found = nets.trace(known(SIGNED), products=150)
    np.testing.assert_allclose(found.values, SIGNED.sum(1), rtol=1e-10, atol=1e-10)
    assert (found.method, found.errors.tolist()) == ("exact", [0.0, 0.0])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"method": "xtrace"}, "trace: method must be 'hutch\\+\\+' or 'hutchinson'; given 'xtrace'"),
        ({"products": 5}, "trace: products must be at least 6 for 'hutch\\+\\+'; given 5"),
    ],
)
def test_bad_traces(known, arguments, sentence):
    """Property: the whole sentence."""
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        nets.trace(known(SIGNED), **arguments)


def test_oracle_density_moments_and_shares(known):
    """Oracle: moments and the share above a threshold, from the known spectra, within 5 standard errors."""
    density = nets.spectral_density(known(SIGNED), steps=30, starts=30, seed=1)
    assert density.products == 900
    for power in (1, 2, 3):
        value, error = density.mean(lambda nodes, power=power: nodes**power)
        assert (np.abs(value - (SIGNED**power).mean(1)) < 5 * error).all()
    value, error = density.share_above(2.0)
    assert (np.abs(value - (SIGNED > 2.0).mean(1)) < 5 * error + 1e-12).all()
    np.testing.assert_allclose(density.weights.sum(-1), 1.0, rtol=1e-10)


def test_identity_a_full_run_is_the_spectrum(known):
    """Identity: with as many steps as dimensions the nodes are the eigenvalues."""
    spectrum = np.sort(RNG.uniform(-1, 1, 12))
    density = nets.spectral_density(known(spectrum), steps=50, starts=2)
    np.testing.assert_allclose(np.sort(density.nodes[0, 0]), spectrum, rtol=1e-9, atol=1e-11)


def test_oracle_smoothed_density(known):
    """Oracle: the known eigenvalues convolved with the same Gaussian, within 5 standard errors and 1 %."""
    density = nets.spectral_density(known(SIGNED), steps=60, starts=40)
    grid = np.linspace(-1.5, 5.5, 71)
    values, errors = density.on(grid, width=0.3)
    bells = np.exp(-0.5 * ((grid[:, None] - SIGNED[:, None, :]) / 0.3) ** 2) / (0.3 * np.sqrt(2 * np.pi))
    exact = bells.mean(-1)
    assert (np.abs(values - exact) <= 5 * errors + 0.01 * exact.max()).all()
    np.testing.assert_allclose(values.sum(1) * 0.1, 1.0, rtol=0.01)


def test_densities_that_cannot_be_are_refused(known):
    """Property: whole sentences; an exhausted start is no failure."""
    with pytest.raises(
        ValueError, match=r"^spectral_density: steps must be at least 1 and starts at least 2; given"
    ):
        nets.spectral_density(known(SIGNED), starts=1)
    broken = known(SIGNED)
    broken.matrices[0, 0, 0] = np.nan
    with pytest.raises(
        ValueError, match=r"^spectral_density: the products must be finite; given nan or inf$"
    ):
        nets.spectral_density(broken)
    low_rank = nets.spectral_density(known(np.r_[np.zeros(97), 1.0, 2.0, 3.0]), steps=20, starts=200)
    value, error = low_rank.mean(lambda nodes: nodes)
    assert abs(value[0] - 0.06) < 5 * error[0]


def test_property_plotted_density(known):
    """Property: drawn on given axes or new ones, with the edge where asked for."""
    density = nets.spectral_density(known(SIGNED), steps=10, starts=3)
    ax = nets.plot_density(density, member=1, edge=2.0)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels[0] == "density"
    assert "edge of stability" in labels
    assert nets.plot_density(density, ax) is ax


def test_oracle_principal_angles():
    """Oracle: scipy.linalg.subspace_angles; small angles keep their digits."""
    rng = np.random.default_rng(0)
    one, two = rng.standard_normal((2, 3, 40)), rng.standard_normal((2, 5, 40))
    found = nets.principal_angles(torch.from_numpy(one), torch.from_numpy(two))
    for member in range(2):
        exact = np.sort(linalg.subspace_angles(one[member].T, two[member].T))
        np.testing.assert_allclose(found[member], exact, rtol=1e-9)
    near = torch.zeros(1, 1, 3, dtype=torch.float64)
    near[0, 0] = torch.tensor([1.0, 1e-9, 0.0])
    axis = torch.zeros(1, 2, 3, dtype=torch.float64)
    axis[0, 0, 0] = axis[0, 1, 2] = 1
    np.testing.assert_allclose(nets.principal_angles(near, axis), [[1e-9]], rtol=1e-6)
    with pytest.raises(ValueError, match=r"^principal_angles: both must be"):
        nets.principal_angles(near, near[0])


def test_identity_shares_and_directional_sharpness(known):
    """Identity: a vector of eigenvectors has the shares of its coefficients, and their mean curvature."""
    operator = known(SIGNED)
    vectors = operator.basis.mT[:, -3:].flip(1)
    direction = vectors[:, 0] * 3 + vectors[:, 2] * 4
    np.testing.assert_allclose(nets.share_in(direction, vectors), [[0.36, 0.36, 1.0]] * 2, atol=1e-12)
    expected = 0.36 * SIGNED[:, -1] + 0.64 * SIGNED[:, -3]
    np.testing.assert_allclose(nets.directional_sharpness(operator, direction), expected, rtol=1e-9)
    assert np.isnan(nets.share_in(torch.zeros_like(direction), vectors)).all()


def test_identity_hessian_and_gauss_newton_share_their_top_at_the_end(ensemble, data):
    """Identity: where R = 0 the eigenspaces agree; control: at the start they are apart."""
    networks = ensemble(seeds=(0,))
    angles = []
    targets = networks.forward(networks.parameters, data[0])[0]
    for batch in ((data[0], targets), data):
        whole, newton = (
            nets.top_eigenpairs(kind(networks, "mse", batch), k=2, tolerance=1e-10).vectors
            for kind in (nets.Hessian, nets.GaussNewton)
        )
        angles.append(nets.principal_angles(whole, newton).max())
    assert angles[0] < 1e-6 < angles[1]
