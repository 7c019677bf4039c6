"""Oracle: curvlinops, an independent library of curvature operators with its own differentiation and scaling.

It is installed without its dependencies by `make test-crosslib`; the tests are skipped where it is absent.
"""

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import eigsh
from torch import nn

from scalewright import nets

pytestmark = pytest.mark.crosslib


@pytest.fixture
def curvlinops():
    return pytest.importorskip("curvlinops")


def problem(loss):
    """Return a network, a torch loss with the house's scale, the factor between them, and two batches."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3)).double()
    inputs = torch.randn(12, 5, dtype=torch.float64)
    targets = torch.randint(3, (12,)) if loss == "cross-entropy" else torch.randn(12, 3, dtype=torch.float64)
    theirs = nn.CrossEntropyLoss() if loss == "cross-entropy" else nn.MSELoss()
    factor = 1.0 if loss == "cross-entropy" else 2 / 3  # torch's mean over K outputs against 1/(2P)
    return model, theirs, factor, [(inputs[:8], targets[:8]), (inputs[8:], targets[8:])]


KINDS = {
    "HessianLinearOperator": nets.Hessian,
    "GGNLinearOperator": nets.GaussNewton,
    "EFLinearOperator": nets.Fisher,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("loss", ["mse", "cross-entropy"])
@pytest.mark.parametrize("name", KINDS)
def test_oracle_products(curvlinops, name, loss):
    """Oracle: products of random vectors, over two batches of different sizes."""
    model, theirs, factor, batches = problem(loss)
    weights = list(model.parameters())
    other = getattr(curvlinops, name)(model, theirs, weights, batches, check_deterministic=False)
    ours = KINDS[name](model, loss, batches)
    vector = torch.randn(ours.size, dtype=torch.float64)
    # Their empirical Fisher of the squared loss takes |f - y|^2 of a sample and divides by N K at the end.
    scale = 4 / 3 if name.startswith("EF") and loss == "mse" else factor
    torch.testing.assert_close(other @ vector, scale * ours.product(vector[None])[0], rtol=1e-8, atol=1e-10)


@pytest.mark.filterwarnings("ignore")
def test_oracle_top_eigenvalues(curvlinops):
    """Oracle: scipy's eigsh on their operator to full accuracy."""
    model, theirs, factor, batches = problem("mse")
    weights = list(model.parameters())
    other = curvlinops.HessianLinearOperator(model, theirs, weights, batches, check_deterministic=False)
    exact = eigsh(other.to_scipy(), k=3, which="LA", tol=0)[0][::-1]
    pairs = nets.sharpness(model, "mse", batches, k=3, tolerance=1e-9)
    np.testing.assert_allclose(factor * pairs.values[0], exact, rtol=1e-8)
