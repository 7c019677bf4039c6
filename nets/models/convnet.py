"""The convolutional network on square images."""

import math

from torch import Tensor, nn

from scalewright.nets.models.activations import Activation, activate, check_activation, gain_of
from scalewright.nets.models.sizes import check_layers, check_sizes

KERNEL = 3


class ConvNet(nn.Module):
    """Convolutions 3 x 3 with the activation after each, the mean over positions, a linear readout.

    Parameters: `input.weight` (width, channels, 3, 3), `hidden.{i}.weight` (width, width, 3, 3),
    `readout.weight` (outputs, width).
    """

    def __init__(
        self, layers: int, width: int, inputs: int, outputs: int, activation: Activation, channels: int
    ) -> None:
        super().__init__()
        self.activation, self.channels, self.side = activation, channels, math.isqrt(inputs // channels)
        self.input = nn.Conv2d(channels, width, KERNEL, padding=1, bias=False)
        self.hidden = nn.ModuleList(
            nn.Conv2d(width, width, KERNEL, padding=1, bias=False) for _ in range(layers - 2)
        )
        self.readout = nn.Linear(width, outputs, bias=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map images as rows of pixels (P, channels * side * side) to outputs (P, K)."""
        images = inputs.unflatten(-1, (self.channels, self.side, self.side))
        features = activate(self.activation, self.input(images))
        for layer in self.hidden:
            features = activate(self.activation, layer(features))
        return self.readout(features.mean((-2, -1)))

    def gains(self) -> dict[str, float]:
        """Return what takes the fan-in that a parametrization knows to that of a patch.

        A parametrization divides by the root of `inputs` and of the width; a unit reads 9 channels and 9
        widths. The gain of a ReLU comes on top.
        """
        own = gain_of(self.activation)
        pixels = self.side**2
        hidden = {f"hidden.{index}.weight": own / KERNEL for index in range(len(self.hidden))}
        return {"input.weight": math.sqrt(pixels) / KERNEL, **hidden, "readout.weight": own}


def convnet(
    layers: int,
    width: int,
    inputs: int,
    outputs: int,
    activation: Activation = "relu",
    channels: int = 1,
) -> ConvNet:
    """Return a convolutional network of `layers` weight layers on square images of `inputs` numbers.

    `functools.partial(convnet, 4)` is the builder that `parametrize` and `Ensemble.of` take.

    Raises:
        ValueError: fewer than 2 layers, a size below 1, inputs that are no square image, or an unknown
            activation.
    """
    check_layers("convnet", layers)
    check_sizes("convnet", width=width, inputs=inputs, outputs=outputs, channels=channels)
    check_activation("convnet", activation)
    if channels * math.isqrt(inputs // channels) ** 2 != inputs:
        raise ValueError(
            f"convnet: inputs must be channels times a square number of pixels; given {inputs!r} "
            f"with {channels} channels"
        )
    return ConvNet(layers, width, inputs, outputs, activation, channels)
