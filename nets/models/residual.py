"""The residual network."""

from torch import Tensor, nn

from scalewright.nets.models.activations import Activation, activate, check_activation, gain_of
from scalewright.nets.models.sizes import check_layers, check_sizes


class ResidualNetwork(nn.Module):
    r"""Residual network $x_{l+1} = x_l + W_l \phi(x_l)$, $x_0 = W_{input} x$, $f = W_{readout} \phi(x)$.

    Parameters: `input.weight` (width, inputs), `blocks.{i}.0.weight` (width, width), `readout.weight`
    (outputs, width). Each branch has one weight, so that `layers` counts them all: layers - 2 blocks.
    """

    def __init__(self, layers: int, width: int, inputs: int, outputs: int, activation: Activation) -> None:
        super().__init__()
        self.activation = activation
        self.input = nn.Linear(inputs, width, bias=False)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width, bias=False)) for _ in range(layers - 2)
        )
        self.readout = nn.Linear(width, outputs, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs (P, D) to outputs (P, K)."""
        stream = self.input(inputs)
        for block in self.blocks:
            stream = stream + block(activate(self.activation, stream))
        return self.readout(activate(self.activation, stream))

    def gains(self) -> dict[str, float]:
        """Return sqrt(2) for every weight that reads the output of a ReLU, 1 for the others."""
        if self.activation != "relu":
            return {}
        readers = [*(f"blocks.{index}.0.weight" for index in range(len(self.blocks))), "readout.weight"]
        return dict.fromkeys(readers, gain_of(self.activation))


def residual(
    layers: int, width: int, inputs: int, outputs: int, activation: Activation = "relu"
) -> ResidualNetwork:
    """Return a residual network of `layers` weight layers: input, layers - 2 branches of one each, readout.

    `functools.partial(residual, 4)` is the builder that `parametrize` and `Ensemble.of` take; the
    parametrization is that of `theory.resnet(layers=1)`, whose one block stands for all of them. The branches
    have no factor of the depth: it is fixed.

    Raises:
        ValueError: fewer than 3 layers, a size below 1, or an unknown activation.
    """
    check_layers("residual", layers)
    if layers < 3:
        raise ValueError(f"residual: layers must be at least 3, one of them a branch; given {layers!r}")
    check_sizes("residual", width=width, inputs=inputs, outputs=outputs)
    check_activation("residual", activation)
    return ResidualNetwork(layers, width, inputs, outputs, activation)
