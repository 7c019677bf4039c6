"""The isometry gap: its definition, its invariances, the one-step identity, and what is refused."""

import numpy as np
import pytest

from scalewright.theory import isometry


def orthogonal(d, rng):
    q, r = np.linalg.qr(rng.normal(size=(d, d)))
    return q * np.sign(np.diag(r))


@pytest.mark.parametrize("shape", [(5, 5), (4, 7), (7, 4)])
def test_identity_definition(shape):
    x = np.random.default_rng(0).normal(size=shape)
    gram = x @ x.T if shape[0] <= shape[1] else x.T @ x
    m = len(gram)
    expected = -np.log(np.linalg.det(gram) ** (1 / m) / (np.trace(gram) / m))
    assert abs(isometry.gap(x) - expected) < 1e-12
    assert abs(isometry.gap(3 * x) - expected) < 1e-12
    assert abs(isometry.gap(x.T) - expected) < 1e-12
    np.testing.assert_allclose(isometry.gap(np.stack([x, 2 * x])), expected)


def test_identity_zero_exactly_at_isometry():
    assert isometry.gap(4 * orthogonal(9, np.random.default_rng(1))) < 1e-14
    assert isometry.gap([[3.0]]) == 0
    assert isometry.gap(np.eye(2, 5)) == 0


@pytest.mark.parametrize(("d", "n"), [(1, 1), (2, 2), (8, 8), (33, 33), (8, 12)])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_identity_one_step(d, n, scale):
    """Identity: phi(BN(WX)) = phi(X) + mean_j log q_j for any orthogonal W, to 1e-12; phi never grows."""
    rng = np.random.default_rng(d)
    x = scale * rng.normal(size=(d, n))
    for weight in (orthogonal(d, rng), np.eye(d), np.roll(np.eye(d), 1, axis=0)):
        step = isometry.one_step(x, weight)
        assert step.identity_error < 1e-12
        assert step.change <= 1e-15
        assert abs(np.exp(step.log_squares).mean() - 1) < 1e-12


def test_identity_telescopes_over_layers():
    rng = np.random.default_rng(4)
    x, total = rng.normal(size=(6, 6)), 0.0
    first = isometry.gap(x)
    for _ in range(50):
        weight = orthogonal(6, rng)
        total += isometry.one_step(x, weight).change
        x = isometry.normalize(weight @ x)
    assert abs(isometry.gap(x) - first - total) < 1e-12


def test_control_gaussian_weights_break_the_identity():
    """Control: a weight that isn't orthogonal is refused, since the identity fails for it by far."""
    rng = np.random.default_rng(2)
    x, weight = rng.normal(size=(6, 6)), rng.normal(size=(6, 6)) / np.sqrt(6)
    moved = weight @ x
    squares = 6 * (moved**2).sum(axis=1) / (x**2).sum()
    off = isometry.gap(isometry.normalize(moved)) - isometry.gap(x) - np.log(squares).mean()
    assert abs(off) > 0.1
    with pytest.raises(ValueError, match="one_step: weight must be orthogonal; the largest entry of W W"):
        isometry.one_step(x, weight)


def test_normalize_and_spectrum():
    x = np.random.default_rng(3).normal(size=(2, 4, 6)) + 5
    np.testing.assert_allclose(np.linalg.norm(isometry.normalize(x), axis=-1), 1)
    centred = isometry.normalize(x, mean_reduction=True)
    np.testing.assert_allclose(centred.sum(axis=-1), 0, atol=1e-14)
    lam = isometry.spectrum(x)
    np.testing.assert_allclose(lam.sum(axis=-1), 4)
    np.testing.assert_allclose(isometry.gap(x), -np.log(lam).mean(axis=-1))
    thin = isometry.spectrum(x[0].T)
    assert thin.shape == (6,)
    assert (thin[4:] == 0).all()


def test_infinite_gap_is_said_with_the_rank():
    x = np.random.default_rng(5).normal(size=(6, 6))
    x[:, 3:] = x[:, :3]
    sentence = (
        "gap: the isometry gap is infinite, since x has rank 3 and not 6 = min(d, n); remove dependent "
        "samples, or ask for degenerate='inf'"
    )
    with pytest.raises(ValueError) as caught:
        isometry.gap(x)
    assert str(caught.value) == sentence
    assert isometry.gap(x, degenerate="inf") == np.inf
    found = isometry.gap(np.stack([x, np.eye(6)]), degenerate="inf")
    np.testing.assert_array_equal(found, [np.inf, 0])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: isometry.gap(np.ones((0, 3))), "gap: x must have shape (..., d, n) with d features and n "
         "samples, both at least 1; given shape (0, 3)"),
        (lambda: isometry.gap([1.0, 2.0]), "gap: x must have shape (..., d, n) with d features and n "
         "samples, "
         "both at least 1; given shape (2,)"),
        (lambda: isometry.gap([[np.nan]]), "gap: x must be finite; it holds inf or nan"),
        (lambda: isometry.spectrum(np.zeros((2, 2))), "spectrum: x must not be zero; every entry is"),
        (lambda: isometry.normalize([[1.0, 2.0], [0.0, 0.0]]), "normalize: row 1 of x is zero over the "
         "batch; "
         "it has no direction"),
        (lambda: isometry.normalize([[1.0, 1.0]], mean_reduction=True), "normalize: row 0 of x is constant "
         "over the batch; it has no direction"),
        (lambda: isometry.one_step(np.eye(2), np.eye(3)), "one_step: weight must be 2 x 2 for x of shape "
         "(2, 2); given (3, 3)"),
        (lambda: isometry.one_step(np.ones((3, 2)), np.eye(3)), "one_step: the identity needs independent "
         "rows, d <= n; given d = 3 rows of rank at most n = 2, for which det(X X^T) = 0"),
    ],
)  # fmt: skip
def test_bad_input(call, sentence):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == sentence
