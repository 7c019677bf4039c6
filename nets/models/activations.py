"""The activations of the models, and the gain that keeps their size."""

import math
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor
from torch.nn import functional

Activation: TypeAlias = Literal["relu", "linear", "tanh", "gelu"]


def activate(activation: Activation, preactivations: Tensor) -> Tensor:
    """Return the activation of every entry."""
    match activation:
        case "relu":
            return functional.relu(preactivations)
        case "tanh":
            return torch.tanh(preactivations)
        case "gelu":
            return functional.gelu(preactivations)
    return preactivations


def gain_of(activation: Activation) -> float:
    """Return sqrt(2) for a ReLU, 1 for the others.

    A ReLU halves the mean square of a centred Gaussian; the gain on the weights that read it restores it
    (He et al. 2015, eq. 10).
    """
    return math.sqrt(2) if activation == "relu" else 1.0


def check_activation(caller: str, activation: str) -> None:
    """Raise ValueError unless the activation is known."""
    if activation not in get_args(Activation):
        accepted = ", ".join(map(repr, get_args(Activation)))
        raise ValueError(f"{caller}: activation must be one of {accepted}; given {activation!r}")
