"""Build plain torch models without any scaling inside: a parametrization is put on them from outside."""

import math
from typing import Literal, Protocol, TypeAlias, get_args, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from scalewright.nets.batchnorm import BatchNormLayer, BatchNormMLP, batchnorm_mlp

__all__ = ["MLP", "BatchNormLayer", "BatchNormMLP", "HasGains", "batchnorm_mlp", "mlp"]

Activation: TypeAlias = Literal["relu", "linear", "tanh", "gelu"]


@runtime_checkable
class HasGains(Protocol):
    """A model that says by which factor the initial standard deviation of each weight is multiplied."""

    def gains(self) -> dict[str, float]:
        """Return {parameter name: gain}; a parameter left out has gain 1."""
        ...


class MLP(nn.Module):
    r"""Multilayer perceptron $f(x) = W_{readout}\,\phi(W_{hidden} \cdots \phi(W_{input} x))$.

    Parameters: `input.weight` (width, inputs), `hidden.{i}.weight` (width, width), `readout.weight`
    (outputs, width), and the biases of each where asked for.
    """

    def __init__(
        self, layers: int, width: int, inputs: int, outputs: int, activation: Activation, bias: bool
    ) -> None:
        super().__init__()
        self.activation = activation
        self.input = nn.Linear(inputs, width, bias=bias)
        self.hidden = nn.ModuleList(nn.Linear(width, width, bias=bias) for _ in range(layers - 2))
        self.readout = nn.Linear(width, outputs, bias=bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (P, D) to outputs (P, K)."""
        features = self._activate(self.input(inputs))
        for layer in self.hidden:
            features = self._activate(layer(features))
        return self.readout(features)

    def gains(self) -> dict[str, float]:
        """Return sqrt(2) for every weight that reads the output of a ReLU, 1 for the others.

        A ReLU halves the mean square of a centred Gaussian; the gain restores it (He et al. 2015, eq. 10).
        """
        if self.activation != "relu":
            return {}
        readers = [*(f"hidden.{index}.weight" for index in range(len(self.hidden))), "readout.weight"]
        return dict.fromkeys(readers, math.sqrt(2))

    def _activate(self, preactivations: Tensor) -> Tensor:
        match self.activation:
            case "relu":
                return functional.relu(preactivations)
            case "tanh":
                return torch.tanh(preactivations)
            case "gelu":
                return functional.gelu(preactivations)
        return preactivations


def mlp(
    layers: int, width: int, inputs: int, outputs: int, activation: Activation = "relu", bias: bool = False
) -> MLP:
    """Return a multilayer perceptron of `layers` weight layers (layers = hidden layers + 1).

    `functools.partial(mlp, 3, activation="tanh")` is the builder that `parametrize` and `Ensemble.of` take.

    Raises:
        ValueError: fewer than 2 layers, a size below 1, or an unknown activation.
    """
    if layers < 2:
        raise ValueError(f"mlp: layers counts weight layers and must be at least 2; given {layers!r}")
    for name, size in (("width", width), ("inputs", inputs), ("outputs", outputs)):
        if size < 1:
            raise ValueError(f"mlp: {name} must be at least 1; given {size!r}")
    if activation not in get_args(Activation):
        accepted = ", ".join(map(repr, get_args(Activation)))
        raise ValueError(f"mlp: activation must be one of {accepted}; given {activation!r}")
    return MLP(layers, width, inputs, outputs, activation, bias)
