"""Compare directions: angles between eigenspaces, a gradient's part in one, curvature along it."""

import numpy as np
import torch
from torch import Tensor

from scalewright.nets.curvature.operator import Operator


def principal_angles(one: Tensor, two: Tensor) -> np.ndarray:
    r"""Return the principal angles between the spans of two sets of vectors, in radians, ascending.

    With orthonormal bases A, B of the spans: $\cos\phi_i$ are the singular values of $A^T B$; angles below
    45 degrees are taken from the sines, which keeps small ones accurate.

    Args:
        one, two: vectors as rows (M, k, size) and (M, l, size), such as `Eigenpairs.vectors`.

    Returns:
        (M, min(k, l)).

    Raises:
        ValueError: vectors of different members or sizes.

    Reference: Bjorck and Golub, Math. Comp. 27, 579 (1973).
    """
    if one.ndim != 3 or two.ndim != 3 or one.shape[0] != two.shape[0] or one.shape[2] != two.shape[2]:
        raise ValueError(
            "principal_angles: both must be (members, vectors, size) with the same members and size; "
            f"given {tuple(one.shape)} and {tuple(two.shape)}"
        )
    large, small = (one, two) if one.shape[1] >= two.shape[1] else (two, one)
    first, second = (torch.linalg.qr(vectors.double().mT)[0] for vectors in (large, small))
    product = first.mT @ second
    cosines = torch.linalg.svdvals(product).clamp(max=1.0)
    sines = torch.linalg.svdvals(second - first @ product).clamp(max=1.0).flip(1)
    angles = torch.where(cosines**2 < 0.5, torch.arccos(cosines), torch.arcsin(sines))
    return angles.cpu().numpy()


def share_in(vector: Tensor, vectors: Tensor) -> np.ndarray:
    r"""Return $\sum_{i \le j} \langle g, v_i\rangle^2 / |g|^2$ for j = 1 ... k: a vector's part in a space.

    Args:
        vector: g (M, size), such as a gradient.
        vectors: orthonormal rows v (M, k, size), such as `Eigenpairs.vectors`.

    Returns:
        (M, k), cumulative; nan where g is zero.
    """
    g = vector.double()
    parts = (vectors.double() @ g[:, :, None])[:, :, 0] ** 2
    with np.errstate(invalid="ignore"):
        return (parts.cumsum(1) / g.square().sum(1, keepdim=True)).cpu().numpy()


def directional_sharpness(operator: Operator, direction: Tensor) -> np.ndarray:
    r"""Return $g^T A g / |g|^2$ of every member (M,), nan where g is zero. Cost: one product.

    With A the Hessian and g its `gradient()`, both rescaled by Lambda, this is the curvature along the step.
    """
    image = operator.product(direction).double()
    wide = direction.double()
    return ((wide * image).sum(1) / wide.square().sum(1)).cpu().numpy()
