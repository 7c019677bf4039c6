"""Lanczos on spectra that are known, easy and hard, and on runs that must say that they failed."""

import re

import numpy as np
import pytest
import torch

from scalewright.nets.curvature.lanczos import top_eigenpairs
from scalewright.nets.curvature.operator import Operator


class Known(Operator):
    """Symmetric matrices with given eigenvalues (M, size) in a random basis."""

    def __init__(self, spectra, dtype=torch.float64, seed=0):
        spectra = torch.as_tensor(np.atleast_2d(spectra))
        self.members, self.size = spectra.shape
        self.dtype, self.device = dtype, torch.device("cpu")
        generator = torch.Generator().manual_seed(seed)
        random = torch.randn(self.members, self.size, self.size, dtype=torch.float64, generator=generator)
        self.basis = torch.linalg.qr(random)[0]
        self.matrices = (self.basis @ torch.diag_embed(spectra) @ self.basis.mT).to(dtype)

    def product(self, vectors):
        return torch.bmm(self.matrices, vectors[:, :, None])[:, :, 0]


RNG = np.random.default_rng(0)
BULK = RNG.uniform(-1, 1, 117)
SPECTRA = {
    "separated": np.r_[BULK, 2.0, 2.5, 3.0],
    "clustered top": np.r_[BULK, 2.999, 2.9995, 3.0],
    "equal top": np.r_[BULK, 3.0, 3.0, 3.0],
    "symmetric plus and minus": np.r_[np.full(60, -3.0), np.full(60, 3.0)],
    "larger negative": np.r_[BULK, -50.0, -40.0, 3.0],
    "all negative": np.r_[BULK - 8.0, -5.0, -5.5, -6.0],
    "low rank": np.r_[np.zeros(117), 1.0, 2.0, 3.0],
}


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_oracle_known_spectra(name, dtype):
    """Oracle: the largest algebraic eigenvalue, within the certified residual."""
    pairs = top_eigenpairs(Known(SPECTRA[name], dtype))
    exact = SPECTRA[name].max()
    assert pairs.converged.all()
    assert pairs.residuals.max() <= 1e-3
    assert abs(pairs.values[0, 0] - exact) <= 1e-3 * abs(exact)
    assert pairs.status == f"converged: every residual is within 0.001 after {pairs.matvecs} products"


def test_oracle_tight_tolerance_resolves_a_cluster():
    """Oracle: at residual 1e-7 the three eigenvalues 2.999, 2.9995, 3 are told apart."""
    pairs = top_eigenpairs(Known(SPECTRA["clustered top"]), k=3, tolerance=1e-7)
    assert pairs.converged.all()
    np.testing.assert_allclose(pairs.values[0], [3.0, 2.9995, 2.999], rtol=1e-7)


def test_identity_residual_is_the_true_one():
    """Identity: the residual reported is |A v - theta v| / |theta| of the unit vector returned."""
    operator = Known(np.stack([SPECTRA["separated"], SPECTRA["larger negative"]]))
    pairs = top_eigenpairs(operator, tolerance=1e-2)
    vectors = pairs.vectors[:, 0]
    theta = torch.from_numpy(pairs.values)
    errors = torch.linalg.vector_norm(operator.product(vectors) - theta * vectors, dim=1) / theta[:, 0].abs()
    np.testing.assert_allclose(pairs.residuals[:, 0], errors, rtol=1e-9)
    torch.testing.assert_close(torch.linalg.vector_norm(vectors, dim=1), torch.ones(2, dtype=torch.float64))


def test_oracle_several_pairs():
    """Oracle: the three largest eigenvalues, in order, of each of two members."""
    spectra = np.stack([SPECTRA["separated"], 2 * SPECTRA["separated"]])
    pairs = top_eigenpairs(Known(spectra), k=3)
    np.testing.assert_allclose(pairs.values, [[3, 2.5, 2], [6, 5, 4]], rtol=1e-5)
    assert pairs.converged.all()


def test_identity_members_do_not_disturb_each_other():
    """Identity: a member in company gets what it gets alone, though the others stop earlier or later."""
    spectra = [SPECTRA[name] for name in ("low rank", "clustered top", "separated")]
    together = Known(np.stack(spectra))
    pairs = top_eigenpairs(together)
    for member in range(3):
        alone = Known(spectra[member])
        alone.matrices = together.matrices[member : member + 1]
        np.testing.assert_allclose(top_eigenpairs(alone).values[0], pairs.values[member], rtol=1e-12)


def test_identity_exhausted_basis_gives_every_eigenvalue():
    """Identity: at full dimension Lanczos is exact, k = size included; zero has residual zero."""
    spectrum = np.array([-2.0, 0.5, 1.0, 4.0])
    pairs = top_eigenpairs(Known(spectrum), k=4, tolerance=1e-10)
    np.testing.assert_allclose(pairs.values[0], spectrum[::-1], rtol=1e-12)
    zero = top_eigenpairs(Known(np.zeros(10)))
    assert (zero.values[0, 0], zero.residuals[0, 0], bool(zero.converged[0, 0])) == (0.0, 0.0, True)


def test_control_unconverged_run_says_so():
    """Control: five products are not enough for a cluster, and the status says what to do next."""
    pairs = top_eigenpairs(Known(SPECTRA["clustered top"]), tolerance=1e-8, budget=5)
    assert not pairs.converged.any()
    assert pairs.matvecs == 5
    sentence = (
        f"not converged: 1 of 1 pairs, the largest residual is {pairs.residuals[0, 0]:.2g} and the tolerance "
        "1e-08 after 5 products: raise budget=5, loosen the tolerance, or go on from the vectors found "
        "(start=pairs.vectors[:, 0])"
    )
    assert pairs.status == sentence


def test_control_non_finite_member_is_named_and_the_others_are_right():
    """Control: one member whose products are nan has no value; its neighbour keeps its own."""
    operator = Known(np.stack([SPECTRA["separated"], SPECTRA["separated"]]))
    operator.matrices[0, 0, 0] = np.nan
    pairs = top_eigenpairs(operator)
    assert np.isnan(pairs.values[0, 0])
    assert pairs.converged[:, 0].tolist() == [False, True]
    np.testing.assert_allclose(pairs.values[1, 0], 3.0, rtol=1e-5)


def test_identity_start_vector_is_used():
    """Identity: started from the eigenvector one product is enough."""
    operator = Known(SPECTRA["separated"])
    pairs = top_eigenpairs(operator, start=operator.basis[:, :, -1])
    assert pairs.matvecs == 1
    np.testing.assert_allclose(pairs.values[0, 0], 3.0, rtol=1e-12)
    assert np.isnan(pairs.certified_to).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"k": 0}, "top_eigenpairs: k must be between 1 and the dimension 4; given 0"),
        ({"k": 5}, "top_eigenpairs: k must be between 1 and the dimension 4; given 5"),
        ({"tolerance": 0.0}, "top_eigenpairs: tolerance must be positive; given 0.0"),
        (
            {"tolerance": 1e-15},
            "top_eigenpairs: tolerance must be at least 2.2e-14 in torch.float64; given 1e-15",
        ),
        ({"budget": 0}, "top_eigenpairs: budget must be at least k = 1 products; given 0"),
        ({"which": "both"}, "top_eigenpairs: which must be 'largest' or 'smallest'; given 'both'"),
        ({"basis": 2}, "top_eigenpairs: basis must be at least k + 2 = 3 vectors; given 2"),
        ({"certify": 0.0}, "top_eigenpairs: certify must be positive; given 0.0"),
        ({"start": torch.zeros(1, 3)}, "top_eigenpairs: start must have the shape (1, 4); given (1, 3)"),
        (
            {"start": torch.zeros(1, 4)},
            "top_eigenpairs: start must be finite and non-zero for every member; given another",
        ),
    ],
)
def test_bad_input(arguments, sentence):
    """Property: the whole sentence."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        top_eigenpairs(Known(np.arange(4.0)), **arguments)


def test_tolerance_and_dtype_that_cannot_be_met_are_refused():
    """Property: whole sentences; control: at the smallest tolerance of float32 the status is true."""
    spectrum = SPECTRA["separated"]
    sentence = "top_eigenpairs: tolerance must be at least 1.2e-05 in torch.float32; given 1e-09"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        top_eigenpairs(Known(spectrum, torch.float32), tolerance=1e-9)
    pairs = top_eigenpairs(Known(spectrum, torch.float32), tolerance=1.2e-5)
    assert pairs.residuals.max() <= 1.2e-5
    assert pairs.status == f"converged: every residual is within 1.2e-05 after {pairs.matvecs} products"
    for dtype in (torch.float16, torch.bfloat16):
        sentence = (
            f"top_eigenpairs: eigenvalues need products in float32 or float64; given {dtype}: "
            "convert the module or ensemble first"
        )
        with pytest.raises(TypeError, match=f"^{re.escape(sentence)}$"):
            top_eigenpairs(Known(spectrum, dtype))


def test_pairs_at_the_rounding_of_the_largest_eigenvalue_are_counted_apart():
    """Property: beside 1e6, float32 cannot tell the relative residual of 1e-3, and the status says so."""
    pairs = top_eigenpairs(Known(np.array([-1e6, -5e5, 1e-3, -2e-3]), torch.float32))
    assert pairs.converged.all()
    assert pairs.residuals.max() > 1e-3
    assert pairs.status == (
        "converged: every residual but 1 of 1, at the rounding 1e-05 of the largest |eigenvalue|, is within "
        f"0.001 after {pairs.matvecs} products"
    )


def test_control_exhausted_krylov_space_is_not_blamed_on_the_budget():
    """Control: 2 times the identity has one pair in reach; a neighbour that is not finite is named too."""
    pairs = top_eigenpairs(Known(np.full(10, 2.0)), k=3)
    assert pairs.values[0, 0] == pytest.approx(2.0)
    assert np.isnan(pairs.values[0, 1:]).all()
    beyond = (
        "2 are beyond the Krylov space of the start vector, which is exhausted (equal eigenvalues count "
        "once): ask for k=1, or start from another vector"
    )
    assert pairs.status == f"not converged: 2 of 3 pairs, {beyond}"
    broken = Known(np.full((2, 10), 2.0))
    broken.matrices[1] = np.nan
    assert top_eigenpairs(broken, k=3).status == (
        f"not converged: 5 of 6 pairs, {beyond}; the products of 1 members are not finite: check the weights"
    )
