"""The multilayer perceptron."""

from torch import Tensor, nn

from scalewright.nets.models.activations import Activation, activate, check_activation, gain_of
from scalewright.nets.models.sizes import check_layers, check_sizes


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
        features = activate(self.activation, self.input(inputs))
        for layer in self.hidden:
            features = activate(self.activation, layer(features))
        return self.readout(features)

    def gains(self) -> dict[str, float]:
        """Return sqrt(2) for every weight that reads the output of a ReLU, 1 for the others."""
        if self.activation != "relu":
            return {}
        readers = [*(f"hidden.{index}.weight" for index in range(len(self.hidden))), "readout.weight"]
        return dict.fromkeys(readers, gain_of(self.activation))


def mlp(
    layers: int, width: int, inputs: int, outputs: int, activation: Activation = "relu", bias: bool = False
) -> MLP:
    """Return a multilayer perceptron of `layers` weight layers (layers = hidden layers + 1).

    `functools.partial(mlp, 3, activation="tanh")` is the builder that `parametrize` and `Ensemble.of` take.

    Raises:
        ValueError: fewer than 2 layers, a size below 1, or an unknown activation.
    """
    check_layers("mlp", layers)
    check_sizes("mlp", width=width, inputs=inputs, outputs=outputs)
    check_activation("mlp", activation)
    return MLP(layers, width, inputs, outputs, activation, bias)
