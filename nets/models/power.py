"""The multilayer perceptron whose activation is a power of a ReLU."""

from torch import Tensor, nn
from torch.nn import functional

from scalewright.nets.models.sizes import check_layers, check_sizes


class PowerMLP(nn.Module):
    r"""Multilayer perceptron with $\phi(z) = \max(z, 0)^p$, homogeneous of degree p; p = 1 is the ReLU.

    Its output is homogeneous in all weights together, of degree $1 + p + \dots + p^{L-1}$. Parameters are
    those of `MLP`, without biases.
    """

    def __init__(self, degree: int, layers: int, width: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.degree = degree
        self.input = nn.Linear(inputs, width, bias=False)
        self.hidden = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(layers - 2))
        self.readout = nn.Linear(width, outputs, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (P, D) to outputs (P, K)."""
        features = functional.relu(self.input(inputs)) ** self.degree
        for layer in self.hidden:
            features = functional.relu(layer(features)) ** self.degree
        return self.readout(features)


def power_mlp(degree: int, layers: int, width: int, inputs: int, outputs: int) -> PowerMLP:
    """Return a multilayer perceptron of `layers` weight layers with max(z, 0)^degree between them.

    `functools.partial(power_mlp, 2, 3)` is the builder that `parametrize` and `Ensemble.of` take: three
    layers of squared ReLUs. The parametrization is that of `theory.mlp`, as powers of the width don't depend
    on a power of the activation.

    Raises:
        ValueError: a degree or a size below 1, or fewer than 2 layers.
    """
    check_layers("power_mlp", layers)
    check_sizes("power_mlp", degree=degree, width=width, inputs=inputs, outputs=outputs)
    return PowerMLP(degree, layers, width, inputs, outputs)
