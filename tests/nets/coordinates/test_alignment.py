"""Alignments against numpy's singular values, which share no code with Lanczos."""

import numpy as np
import pytest
import torch
from torch import nn

from scalewright.nets.coordinates.alignment import TOLERANCE, alignments, as_matrix, operator_norm, patches


@pytest.mark.parametrize("shape", [(40, 60), (60, 40), (3, 50)])
def test_oracle_operator_norm(shape):
    matrix = np.random.default_rng(0).standard_normal(shape)
    found, exact = operator_norm(torch.from_numpy(matrix)), np.linalg.norm(matrix, 2)
    assert exact * (1 - TOLERANCE / 2) <= found <= exact * (1 + 1e-12)
    close = operator_norm(torch.from_numpy(matrix), tolerance=1e-6)
    assert close == pytest.approx(exact, rel=1e-6)


def test_oracle_ratios():
    rng = np.random.default_rng(1)
    matrix, vectors = rng.standard_normal((30, 20)), rng.standard_normal((7, 20))
    image = vectors @ matrix.T
    found = alignments(*map(torch.from_numpy, (matrix, vectors, image)))
    stretch = (np.linalg.norm(image, axis=1) / np.linalg.norm(vectors, axis=1)).mean()
    assert found["operator_alignment"] == pytest.approx(
        stretch / np.linalg.norm(matrix, 2), rel=TOLERANCE / 2
    )
    assert found["frobenius_alignment"] == pytest.approx(stretch / np.linalg.norm(matrix), rel=1e-12)


def test_log_alignment_is_one_for_rank_one_and_a_half_for_independent():
    rng = torch.Generator().manual_seed(0)
    left, right = torch.randn(500, generator=rng).double(), torch.randn(500, generator=rng).double()
    whole = torch.outer(left, right)
    aligned = alignments(whole, right[None], (whole @ right)[None])
    assert aligned["log_alignment"] == pytest.approx(1, abs=1e-12)
    assert aligned["operator_alignment"] == pytest.approx(1, abs=1e-12)
    random = torch.randn(500, 500, generator=rng).double()
    free = alignments(random, right[None], (random @ right)[None])
    # |W x|^2 / (|W|_F^2 |x|^2 / n) is chi^2 over its 500 degrees of freedom: 4 sigma of its log, to base 500.
    assert free["log_alignment"] == pytest.approx(0.5, abs=4 * (2 / 500) ** 0.5 / 2 / np.log(500))


def test_nothing_is_said_of_what_vanishes():
    zero, vectors = torch.zeros(4, 4).double(), torch.ones(2, 4).double()
    assert alignments(zero, vectors, vectors @ zero) == {}
    assert alignments(torch.eye(4).double(), 0 * vectors, 0 * vectors) == {}


def test_identity_a_convolution_is_its_matrix_on_patches():
    layer = nn.Conv2d(3, 5, 3, stride=2, padding=1, dilation=1, bias=False).double()
    inputs = torch.randn(2, 3, 7, 7, dtype=torch.float64)
    matrix = as_matrix(layer, layer.weight.detach())
    expected = layer(inputs).movedim(1, -1).flatten(0, -2)
    torch.testing.assert_close(patches(layer, inputs) @ matrix.mT, expected)


@pytest.mark.parametrize(
    "layer", [nn.Conv2d(4, 4, 3, groups=2), nn.Conv2d(4, 4, 3, padding="same"), nn.LayerNorm(4)]
)
def test_other_layers_have_no_matrix(layer):
    assert as_matrix(layer, layer.weight) is None
