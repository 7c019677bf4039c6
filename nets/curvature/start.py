"""Choose the start vectors of a run: random, which certifies, or given, which does not."""

import numpy as np
import torch
from torch import Tensor

from scalewright.nets.curvature.operator import Operator


def random_start(operator: Operator, seed: int) -> Tensor:
    """Return a unit vector, uniform on the sphere, the same for all members (M, size)."""
    drawn = torch.from_numpy(np.random.default_rng(seed).standard_normal(operator.size))
    unit = (drawn / torch.linalg.vector_norm(drawn)).to(operator.device, operator.dtype)
    return unit.expand(operator.members, operator.size)


def given_start(operator: Operator, start: Tensor) -> Tensor:
    """Return a start that was given, as the operator's dtype on its device.

    Raises:
        ValueError: another shape than (M, size), or a member whose vector is zero or not finite.
    """
    shape = (operator.members, operator.size)
    if tuple(start.shape) != shape:
        raise ValueError(f"top_eigenpairs: start must have the shape {shape}; given {tuple(start.shape)}")
    start = start.to(operator.device, operator.dtype)
    norms = torch.linalg.vector_norm(start, dim=1)
    if not bool(((norms > 0) & norms.isfinite()).all()):
        raise ValueError("top_eigenpairs: start must be finite and non-zero for every member; given another")
    return start
