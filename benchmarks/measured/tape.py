"""What a forward pass makes of the weights, recorded by name."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

BILINEAR: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "linear": lambda x, w: x @ w.T,
    "convolution": lambda x, w: torch.cat([x.roll(1, 1), x, x.roll(-1, 1)], -1) @ w.T,
    "embedding": lambda x, w: w[x],
    "gain": lambda x, w: x * w,
    "bias": lambda x, w: w.expand_as(x),
}


def base(key: str) -> str:
    """Return what a copy such as blocks.0.weight@7 is a copy of."""
    return key.split("@")[0]


def extended(name: str, suffix: str) -> str:
    """Put a suffix before @copy."""
    return base(name) + suffix + name[len(base(name)) :]


@dataclass
class Use:
    """What a tensor was made of: y = m w x of a weight that is called `key`, or y alone."""

    y: Tensor
    op: str = ""
    x: Tensor | None = None
    key: str = ""


@dataclass
class Tape:
    """The weights of one network and what its forward pass made of them, by name; several uses for copies."""

    weights: Mapping[str, Tensor]
    factors: Mapping[str, float]
    sizes: Mapping[str, int]
    uses: dict[str, list[Use]] = field(default_factory=dict)

    def note(self, name: str, y: Tensor) -> Tensor:
        """Record a tensor that no weight makes, under its name without @copy."""
        self.uses.setdefault(base(name), []).append(Use(y))
        return y

    def apply(self, op: str, name: str, x: Tensor, key: str = "") -> Tensor:
        """Apply a weight, `name`.weight unless `key` names it, and record the outcome."""
        key = key or extended(name, ".weight")
        y = self.factors.get(base(key), 1.0) * BILINEAR[op](x, self.weights[key])
        y = x + y if op == "bias" else y
        self.uses.setdefault(base(name), []).append(Use(y, op, x, key))
        return y

    def norm(self, name: str, x: Tensor, kind: str, affine: bool = True) -> Tensor:
        """Normalise over entries (layer, rms) or over everything else (batch), then gain and bias."""
        axes = tuple(range(x.ndim - 1)) if kind == "batch" else (-1,)
        centred = x if kind == "rms" else x - x.mean(axes, keepdim=True)
        y = self.note(name, centred / (centred.square().mean(axes, keepdim=True) + 1e-12).sqrt())
        if not affine:
            return y
        y = self.apply("gain", extended(name, ".scaled"), y, extended(name, ".weight"))
        if kind == "rms":
            return y
        return self.apply("bias", extended(name, ".scaled.shifted"), y, extended(name, ".bias"))


def rms(tensors: Iterable[Tensor]) -> float:
    """Root mean square over the entries of all tensors."""
    found = list(tensors)
    return math.sqrt(sum(float(x.square().sum()) for x in found) / sum(x.numel() for x in found))
