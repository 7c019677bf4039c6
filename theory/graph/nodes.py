"""The kinds of nodes that a graph may have: what each takes, and which variants exist."""

from dataclasses import dataclass
from typing import Any

# Operation -> how many tensors and how many parameters it takes, in this order; `None`: one or more.
ARITY: dict[str, tuple[int | None, int]] = {
    "data": (0, 0),
    "parameter": (0, 0),
    "linear": (1, 1),
    "convolution": (1, 1),
    "embedding": (1, 1),
    "bias": (1, 1),
    "gain": (1, 1),
    "depthwise": (1, 1),
    "activation": (1, 0),
    "pool": (1, 0),
    "norm": (1, 0),
    "add": (None, 0),
    "product": (2, 0),
    "multiplier": (1, 0),
    "score": (2, 0),
    "mix": (2, 0),
    "stream": (1, 0),
    "branch": (1, 0),
    "stack": (1, 0),
    "dispatch": (1, 0),
    "mixture": (2, 0),
    "loss": (1, 0),
}
KINDS: dict[str, tuple[str, ...]] = {
    "parameter": ("", "zero", "frozen", "frozen zero"),
    "linear": ("", "transposed"),
    "activation": ("linear", "relu", "leaky_relu", "gelu", "silu", "tanh", "erf"),
    "pool": ("", "mean", "max"),
    "norm": ("layer", "rms", "batch"),
    "loss": ("squared", "cross-entropy", "brier"),
}
SATURATING = ("tanh", "erf")
# Operation -> what the dimensions in `shape` are, in order; those of a parameter depend on what takes it.
SHAPES: dict[str, tuple[str, ...]] = {
    "data": ("size",),
    "score": ("head size",),
    "stream": ("number of blocks",),
    "dispatch": ("experts", "active experts"),
    "mixture": ("experts", "active experts"),
}
MATRICES = ("linear", "convolution", "embedding")
# Multipliers without a parameter: fixed factors N^-m of the forward pass, m an unknown.
MULTIPLIERS = ("multiplier", "branch", "score", "mixture")
_SCAN = (
    "a state-space scan multiplies input-dependent gates over time, and its limit is no Tensor Program: size "
    "counting fails there (Vankadara et al. 2024)"
)
REFUSED: dict[str, str] = {
    **dict.fromkeys(("scan", "ssm", "mamba", "state-space"), _SCAN),
    "recurrence": "a recurrence over a growing number of steps has no rule; unroll a fixed number of steps",
}


@dataclass(frozen=True)
class Node:
    """One node: data, a parameter, an operation together with the tensor it makes, or the loss.

    `inputs` names the tensors, then the parameters, that the operation takes. `shape` names dimensions:
    (size,) of data, (fan_out, fan_in) of a weight, (rows, size) of an embedding, (size,) of a bias, gain or
    depthwise kernel; the head size of a score, the number of blocks of a stream, (experts, active experts) of
    a dispatch or mixture. `kind` says which activation, norm, pool or loss; that a linear map is transposed;
    whether a parameter starts at zero or is frozen.
    """

    name: str
    op: str
    inputs: tuple[str, ...] = ()
    shape: tuple[str, ...] = ()
    kind: str = ""

    @property
    def starts_at_zero(self) -> bool:
        """Whether a parameter starts at zero."""
        return "zero" in self.kind.split()

    @property
    def is_frozen(self) -> bool:
        """Whether a parameter isn't trained."""
        return "frozen" in self.kind.split()

    def to_json(self) -> dict[str, Any]:
        """Return the node as a JSON object without its empty fields."""
        fields = {"inputs": list(self.inputs), "shape": list(self.shape), "kind": self.kind}
        return {"name": self.name, "op": self.op} | {key: value for key, value in fields.items() if value}
