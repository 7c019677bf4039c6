"""Build convolutional and residual networks."""

from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.construct import Graph
from scalewright.theory.graph.perceptrons import check_counts, check_flags, check_kinds


def convnet(
    layers: int = 4,
    activation: str = "relu",
    norm: str | None = None,
    loss: str = "cross-entropy",
) -> Architecture:
    """Build a convolutional network: `layers` weight layers, the last a readout of the mean.

    Parameters `input.weight`, `hidden.{i}.weight`, `readout.weight`, and the norms'. The axis is the number
    of channels, `width`; kernels and images are of fixed size.

    Raises:
        ArchitectureError: (a ValueError) if a value isn't one of those that the operations have.

    >>> [p.name for p in convnet(layers=3).parameters]
    ['input.weight', 'hidden.0.weight', 'readout.weight']
    """
    check_counts("convnet", layers=(layers, 2))
    check_kinds("convnet", activation=activation, loss=loss, **({} if norm is None else {"norm": norm}))
    g = Graph()
    x = g.data("inputs")
    for name in ["input", *(f"hidden.{index}" for index in range(layers - 2))]:
        x = g.convolution(name, x, "width")
        x = x if norm is None else g.norm(f"{name}.norm", x, norm)
        x = g.activation(x, activation, f"{name}.activation")
    return g.loss(g.linear("readout", g.pool(x), "outputs"), loss)


def resnet(
    layers: int = 2,
    activation: str = "relu",
    norm: str | None = None,
    convolutional: bool = False,
    loss: str = "cross-entropy",
) -> Architecture:
    r"""Build a residual network, $x_{l+1} = x_l + L^{-m} F(x_l)$ with `layers` weight layers in every branch.

    $F = W_k \phi(W_{k-1} \cdots \phi(W_1 \phi(x)))$: pre-activation, so that every branch ends in a linear
    map and the stream is handed on by sums alone. All L blocks are one in the graph: `blocks.{i}.weight`
    stands for the i-th weight of every block. With a norm, each branch begins with it, and one stands before
    the readout.

    Args:
        layers: weight layers in a branch, at least 1.
        activation: linear, relu, leaky_relu, gelu, silu, tanh or erf.
        norm: layer, rms, batch, or None.
        convolutional: whether the maps are convolutions.
        loss: squared, cross-entropy or brier.

    Raises:
        ArchitectureError: (a ValueError) if a value isn't one of these.

    >>> [p.name for p in resnet(layers=2).parameters]
    ['input.weight', 'blocks.0.weight', 'blocks.1.weight', 'readout.weight']
    """
    check_counts("resnet", layers=(layers, 1))
    check_flags("resnet", convolutional=convolutional)
    check_kinds("resnet", activation=activation, loss=loss, **({} if norm is None else {"norm": norm}))
    g, op = Graph(), "convolution" if convolutional else "linear"
    stream = g.stream("blocks.stream", g.linear("input", g.data("inputs"), "width", op=op), "depth")
    x = stream if norm is None else g.norm("blocks.norm", stream, norm)
    for index in range(layers):
        x = g.activation(x, activation, f"blocks.{index}.activation")
        x = g.linear(f"blocks.{index}", x, "width", op=op)
    x = g.stack("blocks", g.residual("blocks.sum", stream, x))
    x = x if norm is None else g.norm("norm", x, norm)
    x = g.activation(x, activation, "last.activation")
    return g.loss(g.linear("readout", g.pool(x) if convolutional else x, "outputs"), loss)
