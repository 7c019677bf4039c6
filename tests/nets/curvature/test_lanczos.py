"""Lanczos on spectra that are known, easy and hard, and on runs that must say that they failed."""

import re
import weakref

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from scalewright.nets.curvature.lanczos import top_eigenpairs

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
def test_oracle_known_spectra(known, name, dtype):
    """Oracle: the largest algebraic eigenvalue, within the certified residual."""
    pairs = top_eigenpairs(known(SPECTRA[name], dtype))
    exact = SPECTRA[name].max()
    assert pairs.converged.all()
    assert pairs.residuals.max() <= 1e-3
    assert abs(pairs.values[0, 0] - exact) <= 1e-3 * abs(exact)
    assert pairs.status == f"converged: every residual is within 0.001 after {pairs.matvecs} products"


def test_oracle_tight_tolerance_resolves_a_cluster(known):
    """Oracle: at residual 1e-7 the three eigenvalues 2.999, 2.9995, 3 are told apart."""
    pairs = top_eigenpairs(known(SPECTRA["clustered top"]), k=3, tolerance=1e-7)
    assert pairs.converged.all()
    np.testing.assert_allclose(pairs.values[0], [3.0, 2.9995, 2.999], rtol=1e-7)


def test_identity_residual_is_the_true_one(known):
    """Identity: the residual reported is |A v - theta v| / |theta| of the unit vector returned."""
    operator = known(np.stack([SPECTRA["separated"], SPECTRA["larger negative"]]))
    pairs = top_eigenpairs(operator, tolerance=1e-2)
    vectors = pairs.vectors[:, 0]
    theta = torch.from_numpy(pairs.values)
    errors = torch.linalg.vector_norm(operator.product(vectors) - theta * vectors, dim=1) / theta[:, 0].abs()
    np.testing.assert_allclose(pairs.residuals[:, 0], errors, rtol=1e-9)
    torch.testing.assert_close(torch.linalg.vector_norm(vectors, dim=1), torch.ones(2, dtype=torch.float64))


def test_oracle_several_pairs(known):
    """Oracle: the three largest eigenvalues, in order, of each of two members."""
    spectra = np.stack([SPECTRA["separated"], 2 * SPECTRA["separated"]])
    pairs = top_eigenpairs(known(spectra), k=3)
    np.testing.assert_allclose(pairs.values, [[3, 2.5, 2], [6, 5, 4]], rtol=1e-5)
    assert pairs.converged.all()


def test_identity_members_do_not_disturb_each_other(known):
    """Identity: a member in company gets what it gets alone, though the others stop earlier or later."""
    spectra = [SPECTRA[name] for name in ("low rank", "clustered top", "separated")]
    together = known(np.stack(spectra))
    pairs = top_eigenpairs(together)
    for member in range(3):
        alone = known(spectra[member])
        alone.matrices = together.matrices[member : member + 1]
        np.testing.assert_allclose(top_eigenpairs(alone).values[0], pairs.values[member], rtol=1e-12)


def test_identity_exhausted_basis_gives_every_eigenvalue(known):
    """Identity: at full dimension Lanczos is exact, k = size included; zero has residual zero."""
    spectrum = np.array([-2.0, 0.5, 1.0, 4.0])
    pairs = top_eigenpairs(known(spectrum), k=4, tolerance=1e-10)
    np.testing.assert_allclose(pairs.values[0], spectrum[::-1], rtol=1e-12)
    zero = top_eigenpairs(known(np.zeros(10)))
    assert (zero.values[0, 0], zero.residuals[0, 0], bool(zero.converged[0, 0])) == (0.0, 0.0, True)


def test_control_unconverged_run_says_so(known):
    """Control: five products are not enough for a cluster, and the status says what to do next."""
    pairs = top_eigenpairs(known(SPECTRA["clustered top"]), tolerance=1e-8, budget=5)
    assert not pairs.converged.any()
    assert pairs.matvecs == 5
    sentence = (
        f"not converged: 1 of 1 pairs, the largest residual is {pairs.residuals[0, 0]:.2g} and the tolerance "
        "1e-08 after 5 products: raise budget=5, loosen the tolerance, or go on from the vectors found "
        "(start=pairs.vectors[:, 0])"
    )
    assert pairs.status == sentence


def test_control_non_finite_member_is_named_and_the_others_are_right(known):
    """Control: one member whose products are nan has no value; its neighbour keeps its own."""
    operator = known(np.stack([SPECTRA["separated"], SPECTRA["separated"]]))
    operator.matrices[0, 0, 0] = np.nan
    pairs = top_eigenpairs(operator)
    assert np.isnan(pairs.values[0, 0])
    assert pairs.converged[:, 0].tolist() == [False, True]
    np.testing.assert_allclose(pairs.values[1, 0], 3.0, rtol=1e-5)


def test_identity_start_vector_is_used(known):
    """Identity: started from the eigenvector one product is enough."""
    operator = known(SPECTRA["separated"])
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
def test_bad_input(known, arguments, sentence):
    """Property: the whole sentence."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        top_eigenpairs(known(np.arange(4.0)), **arguments)


def test_tolerance_and_dtype_that_cannot_be_met_are_refused(known):
    """Property: whole sentences; control: at the smallest tolerance of float32 the status is true."""
    spectrum = SPECTRA["separated"]
    sentence = "top_eigenpairs: tolerance must be at least 1.2e-05 in torch.float32; given 1e-09"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        top_eigenpairs(known(spectrum, torch.float32), tolerance=1e-9)
    pairs = top_eigenpairs(known(spectrum, torch.float32), tolerance=1.2e-5)
    assert pairs.residuals.max() <= 1.2e-5
    assert pairs.status == f"converged: every residual is within 1.2e-05 after {pairs.matvecs} products"
    for dtype in (torch.float16, torch.bfloat16):
        sentence = (
            f"top_eigenpairs: eigenvalues need products in float32 or float64; given {dtype}: "
            "convert the module or ensemble first"
        )
        with pytest.raises(TypeError, match=f"^{re.escape(sentence)}$"):
            top_eigenpairs(known(spectrum, dtype))


def test_pairs_at_the_rounding_of_the_largest_eigenvalue_are_counted_apart(known):
    """Property: beside 1e6, float32 cannot tell the relative residual of 1e-3, and the status says so."""
    pairs = top_eigenpairs(known(np.array([-1e6, -5e5, 1e-3, -2e-3]), torch.float32))
    assert pairs.converged.all()
    assert pairs.residuals.max() > 1e-3
    assert pairs.status == (
        "converged: every residual but 1 of 1, at the rounding 1e-05 of the largest |eigenvalue|, is within "
        f"0.001 after {pairs.matvecs} products"
    )


def test_control_exhausted_krylov_space_is_not_blamed_on_the_budget(known):
    """Control: 2 times the identity has one pair in reach; a neighbour that is not finite is named too."""
    pairs = top_eigenpairs(known(np.full(10, 2.0)), k=3)
    assert pairs.values[0, 0] == pytest.approx(2.0)
    assert np.isnan(pairs.values[0, 1:]).all()
    beyond = (
        "2 are beyond the Krylov space of the start vector, which is exhausted (equal eigenvalues count "
        "once): ask for k=1, or start from another vector"
    )
    assert pairs.status == f"not converged: 2 of 3 pairs, {beyond}"
    broken = known(np.full((2, 10), 2.0))
    broken.matrices[1] = np.nan
    assert top_eigenpairs(broken, k=3).status == (
        f"not converged: 5 of 6 pairs, {beyond}; the products of 1 members are not finite: check the weights"
    )


def test_oracle_smallest_eigenvalues(known):
    """Oracle: the other end of the spectrum, and the certificate with it."""
    pairs = top_eigenpairs(known(SPECTRA["larger negative"]), k=2, which="smallest", tolerance=1e-6)
    np.testing.assert_allclose(pairs.values[0], [-50, -40], rtol=1e-9)
    assert pairs.converged.all()


@pytest.mark.parametrize("basis", [6, 9, 14])
@pytest.mark.parametrize("name", ["larger negative", "separated", "clustered top", "all negative"])
def test_oracle_thick_restart(known, name, basis):
    """Oracle: a small basis, restarted often, finds the same eigenvalues; control: it did restart."""
    spectra = np.stack([SPECTRA[name], SPECTRA["separated"]])
    pairs = top_eigenpairs(known(spectra), k=2, basis=basis, tolerance=1e-6, budget=2000)
    assert pairs.converged.all()
    np.testing.assert_allclose(pairs.values[:, 0], spectra.max(1), rtol=1e-8)
    if name != "separated":
        assert pairs.matvecs > basis


def test_identity_restarts_keep_the_vectors_of_members_that_stopped(known):
    """Identity: a member that stops early keeps its pair through the restarts of its neighbour."""
    operator = known(np.stack([SPECTRA["low rank"], SPECTRA["clustered top"]]))
    pairs = top_eigenpairs(operator, basis=8, tolerance=1e-6, budget=2000)
    vectors, theta = pairs.vectors[:, 0], torch.from_numpy(pairs.values)
    errors = torch.linalg.vector_norm(operator.product(vectors) - theta * vectors, dim=1) / theta[:, 0].abs()
    assert errors.max() <= 1e-6
    np.testing.assert_allclose(errors, pairs.residuals[:, 0], atol=1e-13)


def test_control_an_operator_that_is_not_symmetric_is_refused(known):
    """Control: one skew part of 1 %, and an operator that is another one at every product."""
    operator = known(SPECTRA["separated"])
    skew = torch.triu(torch.ones(120, 120, dtype=torch.float64), 1)
    symmetric = operator.matrices.clone()
    operator.matrices = symmetric + 1e-2 * (skew - skew.T)
    sentence = "^operator must be symmetric, and the same at every product; given one whose products miss"
    with pytest.raises(ValueError, match=sentence):
        top_eigenpairs(operator)
    noise = np.random.default_rng(0)
    operator.matrices = symmetric
    operator.product = lambda v: v @ symmetric[0] + 0.01 * torch.from_numpy(noise.standard_normal(v.shape))
    with pytest.raises(ValueError, match=sentence):
        top_eigenpairs(operator)


def test_identity_an_operator_that_returns_its_argument(known):
    """Identity: the identity matrix, returned as the very same tensor, does not spoil the basis."""
    operator = known(np.ones(5))
    operator.product = lambda vectors: vectors
    pairs = top_eigenpairs(operator)
    assert (pairs.values[0, 0], pairs.matvecs) == (pytest.approx(1.0), 1)


class _Live(TorchDispatchMode):
    """Counts the bytes of the tensors that are alive, and their peak."""

    def __init__(self):
        super().__init__()
        self.now = self.peak = 0
        self.seen = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, torch.Tensor):
                self._watch(tensor.untyped_storage())
        return result

    def _watch(self, storage):
        key = storage._cdata
        if key in self.seen:
            return
        self.seen.add(key)
        size = storage.nbytes()
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key, size):
        self.seen.discard(key)
        self.now -= size


@pytest.mark.parametrize(("basis", "k"), [(200, 1), (200, 3), (12, 1), (12, 3)])
def test_property_memory_is_the_vectors_and_three(diagonal, basis, k):
    """Property: for 10^6 unknowns and m Lanczos vectors no more than m + 3 vectors are alive at any time.

    Every storage that torch makes is counted, those of the operator's product included. Control: an operator
    that holds ten more is seen.
    """
    size = 1_000_000
    spectrum = np.linspace(-1, 1, size, dtype=np.float32)
    spectrum[-3:] = (1.6, 1.8, 2.0)
    operator = diagonal(spectrum, torch.float32)
    with _Live() as live:
        pairs = top_eigenpairs(operator, k, basis=basis, tolerance=1e-3)
    held = min(pairs.matvecs, basis)
    assert pairs.converged.all()
    assert held == basis or basis == 200
    assert live.peak <= (held + 3) * 4 * size
    del pairs
    assert live.now == 0
    plain, hoard = operator.product, []
    operator.product = lambda v: hoard.append(v.clone()) or plain(v)
    with _Live() as greedy:
        top_eigenpairs(operator, k, basis=basis, tolerance=1e-3)
    assert greedy.peak > (held + 3) * 4 * size
