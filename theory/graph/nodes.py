"""The kinds of nodes that a graph may have: what each takes, and which variants exist."""

from dataclasses import dataclass
from typing import Any

# Operation -> how many tensors and how many parameters it takes, in this order; `None`: one or more.
ARITY: dict[str, tuple[int | None, int]] = {
    "data": (0, 0),
    "parameter": (0, 0),
    "linear": (1, 1),
    "bias": (1, 1),
    "activation": (1, 0),
    "add": (None, 0),
    "loss": (1, 0),
}
KINDS: dict[str, tuple[str, ...]] = {
    "activation": ("linear", "relu", "leaky_relu", "gelu", "silu", "tanh", "erf"),
    "loss": ("squared", "cross-entropy"),
}


@dataclass(frozen=True)
class Node:
    """One node: data, a parameter, an operation together with the tensor it makes, or the loss.

    `inputs` names the tensors, then the parameters, that the operation takes. `shape` names dimensions:
    (size,) of data, (fan_out, fan_in) of a weight, (size,) of a bias. `kind` says which activation or which
    loss.
    """

    name: str
    op: str
    inputs: tuple[str, ...] = ()
    shape: tuple[str, ...] = ()
    kind: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the node as a JSON object without its empty fields."""
        fields = {"inputs": list(self.inputs), "shape": list(self.shape), "kind": self.kind}
        return {"name": self.name, "op": self.op} | {key: value for key, value in fields.items() if value}
