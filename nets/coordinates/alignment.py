"""How well a matrix is aligned with what it acts on: in operator norm, in Frobenius norm, and as a power."""

import math

import torch
from torch import Tensor, nn

from scalewright.nets.coordinates.layers import tokens_of
from scalewright.nets.curvature.lanczos import top_eigenpairs
from scalewright.nets.curvature.operator import Operator

MEASURES = ("operator_alignment", "frobenius_alignment", "log_alignment")
#: Within what the largest eigenvalue of W^T W is certified; the norm is then known to half of it. A small
#: residual alone would not do: it also belongs to pairs that are not the largest.
TOLERANCE = 1e-2


def alignments(matrix: Tensor, vectors: Tensor, image: Tensor, *, seed: int = 0) -> dict[str, float]:
    r"""Return the alignment of a matrix W (m, n) with vectors x (tokens, n), from its image W x (tokens, m).

    `operator_alignment`: mean over tokens of $|W x| / (|W|_{op} |x|)$, in [0, 1]. `frobenius_alignment`: mean
        of
    $|W x| / (|W|_F |x|)$, in [0, 1]: root mean squares give the same ratio, over n. `log_alignment`:
    $\log_n \frac{\mathrm{rms}(W x)}{\mathrm{rms}(W)\,\mathrm{rms}(x)}$, 1/2 where W and x are independent, 1
    where they are fully aligned.

    Returns:
        Nothing where W or x vanishes or isn't finite, or n is 1.

    Cost: about 20 products with W and its transpose.
    Reference: Everett et al. 2024, arXiv 2407.05872, section 3.2; Haas et al. 2025, arXiv 2505.22491.
    """
    size, lengths = matrix.norm(), vectors.norm(dim=1)
    usable = (lengths > 0) & lengths.isfinite()
    if matrix.shape[1] < 2 or not (float(size) > 0 and bool(size.isfinite()) and bool(usable.any())):
        return {}
    stretch = float((image.norm(dim=1)[usable] / lengths[usable]).mean())
    if not stretch > 0:
        return {}
    frobenius = stretch / float(size)
    return {
        "operator_alignment": stretch / operator_norm(matrix, seed=seed),
        "frobenius_alignment": frobenius,
        "log_alignment": 1 + math.log(frobenius) / math.log(matrix.shape[1]),
    }


def operator_norm(matrix: Tensor, *, seed: int = 0, tolerance: float = TOLERANCE) -> float:
    """Return the largest singular value of a matrix, by Lanczos on its smaller Gram matrix.

    With 99 % over the random start it is too small by at most tolerance / 2, and never too large.

    Raises:
        ArithmeticError: 400 products did not certify it.
    """
    scale = matrix.abs().max()
    gram = Gram(matrix / scale)
    pairs = top_eigenpairs(gram, seed=seed, tolerance=tolerance, certify=tolerance, budget=400)
    if not pairs.converged.all() or pairs.certified_to[0, 0] > tolerance:
        raise ArithmeticError(f"operator_norm: {pairs.status}")
    return math.sqrt(float(pairs.values[0, 0])) * float(scale)


class Gram(Operator):
    """W W^T or W^T W, whichever is smaller, as an operator of one member."""

    members = 1

    def __init__(self, matrix: Tensor) -> None:
        """Take W (m, n), float32 or float64."""
        self.matrix = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.mT
        self.size, self.dtype, self.device = self.matrix.shape[1], matrix.dtype, matrix.device

    def product(self, vectors: Tensor) -> Tensor:
        """Return the product with a vector (1, size)."""
        return (self.matrix.mT @ (self.matrix @ vectors[0]))[None]


def as_matrix(module: nn.Module, weight: Tensor) -> Tensor | None:
    """Return the weight as the matrix that maps what `patches` returns; None for other kinds of modules."""
    if isinstance(module, nn.Linear):
        return weight
    if isinstance(module, nn.Conv2d) and module.groups == 1 and module.padding_mode == "zeros":
        return None if isinstance(module.padding, str) else weight.flatten(1)
    return None


def patches(module: nn.Module, inputs: Tensor) -> Tensor:
    """Return what the matrix of a linear or convolutional layer acts on, a row an output token."""
    if not isinstance(module, nn.Conv2d):
        return tokens_of(inputs, -1)
    found = torch.nn.functional.unfold(
        inputs if inputs.ndim == 4 else inputs[None],
        module.kernel_size,
        module.dilation,
        module.padding,  # type: ignore[arg-type]
        module.stride,
    )
    return found.mT.flatten(0, 1)
