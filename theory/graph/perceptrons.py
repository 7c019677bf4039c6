"""Build multilayer perceptrons and autoencoders."""

from scalewright.theory.errors import ArchitectureError
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.construct import Graph
from scalewright.theory.graph.nodes import KINDS
from scalewright.theory.power import Exponent, Power, exact


def check_kinds(caller: str, **given: str) -> None:
    """Raise ArchitectureError unless every keyword is one of the kinds of the operation it names."""
    for name, value in given.items():
        known = tuple(kind for kind in KINDS[name] if kind)
        if value not in known:
            raise ArchitectureError(f"{caller}: {name} must be one of {', '.join(known)}; given {value!r}")


def check_counts(caller: str, **given: tuple[object, int]) -> None:
    """Raise ArchitectureError unless every (value, least) is an integer of at least that."""
    for name, (value, least) in given.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ArchitectureError(
                f"{caller}: {name} must be an integer of at least {least}; given {value!r}"
            )


def check_flags(caller: str, **given: object) -> None:
    """Raise ArchitectureError unless every value is True or False."""
    for name, value in given.items():
        if not isinstance(value, bool):
            raise ArchitectureError(f"{caller}: {name} must be True or False; given {value!r}")


def mlp(
    layers: int = 3, activation: str = "relu", bias: bool = False, loss: str = "cross-entropy"
) -> Architecture:
    r"""Build a multilayer perceptron: `layers` weight layers with an activation after each but the last.

    $x^{l} = \phi(W^{l} x^{l-1} [+ b^{l}])$, $f = W^{R} x [+ b^{R}]$. Parameters are called `input.weight`,
    `hidden.0.weight`, ..., `readout.weight` (and `.bias`); dimensions are `inputs` and `outputs`, both fixed,
    and `width`.

    Args:
        layers: number of weight layers, at least 2.
        activation: linear, relu, leaky_relu, gelu, silu, tanh or erf.
        bias: whether every layer adds a bias.
        loss: squared, cross-entropy or brier.

    Raises:
        ArchitectureError: (a ValueError) if a value isn't one of these.

    >>> [p.name for p in mlp(layers=3).parameters]
    ['input.weight', 'hidden.0.weight', 'readout.weight']
    """
    check_counts("mlp", layers=(layers, 2))
    check_kinds("mlp", activation=activation, loss=loss)
    check_flags("mlp", bias=bias)
    g = Graph()
    x = g.data("inputs")
    for name in ["input", *(f"hidden.{index}" for index in range(layers - 2))]:
        x = g.activation(g.linear(name, x, "width", bias=bias), activation, f"{name}.activation")
    return g.loss(g.linear("readout", x, "outputs", bias=bias), loss)


def autoencoder(
    neck: Exponent = 0,
    activation: str = "relu",
    hidden: int = 1,
    tied: bool = False,
    loss: str = "squared",
) -> Architecture:
    """Build an autoencoder whose bottleneck has n^neck units, a fixed number for 0.

    Encoder `encoder.input`, `encoder.{i}` (`hidden` square layers), `neck`; decoder `decoder.expand`,
    `decoder.{i}`, `decoder.output`. The data have a fixed number of inputs, which are also the targets.

    Args:
        neck: exponent of the width in the number of units, from 0 to below 1.
        activation: linear, relu, leaky_relu, gelu, silu, tanh or erf.
        hidden: number of square layers in the encoder, and again in the decoder.
        tied: whether the decoder uses the encoder's weights, transposed, times `decoder.expand.multiplier`
            and so on.
        loss: squared, cross-entropy or brier.

    Raises:
        ArchitectureError: (a ValueError) if a value isn't one of these.
        TypeError: neck is a float.

    >>> [p.name for p in autoencoder(hidden=0).parameters]
    ['encoder.input.weight', 'neck.weight', 'decoder.expand.weight', 'decoder.output.weight']
    """
    check_counts("autoencoder", hidden=(hidden, 0))
    check_kinds("autoencoder", activation=activation, loss=loss)
    check_flags("autoencoder", tied=tied)
    power = exact(neck, "autoencoder: neck")
    if not 0 <= power < 1:
        raise ArchitectureError(f"autoencoder: neck must be at least 0 and below 1; given {power}")
    g = Graph(neck=Power({"width": power}) if power else Power({"neck": 1}))
    x = g.activation(g.linear("encoder.input", g.data("inputs"), "width"), activation)
    names = [f"encoder.{index}" for index in range(hidden)]
    for name in names:
        x = g.activation(g.linear(name, x, "width"), activation)
    x = g.linear("neck", x, "neck")
    mirrored = [("decoder.expand", "neck", "width"), *((f"decoder.{i}", n, "width") for i, n in _back(names))]
    for name, original, to in mirrored:
        x = g.activation(_mirror(g, name, x, original) if tied else g.linear(name, x, to), activation)
    if tied:
        return g.loss(_mirror(g, "decoder.output", x, "encoder.input"), loss)
    return g.loss(g.linear("decoder.output", x, "inputs"), loss)


def _mirror(g: Graph, name: str, x: str, original: str) -> str:
    """Add the transpose of an encoder's map, with a factor of its own: uses scale differently."""
    return g.multiplier(f"{name}.multiplier", g.transposed(name, x, f"{original}.weight"))


def _back(names: list[str]) -> list[tuple[int, str]]:
    return list(enumerate(reversed(names)))
