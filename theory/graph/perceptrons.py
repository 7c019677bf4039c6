"""Build the architectures that have names."""

from scalewright.theory.errors import ArchitectureError
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.nodes import KINDS, Node
from scalewright.theory.power import Power


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
        loss: squared or cross-entropy.

    Raises:
        ArchitectureError: (a ValueError) if a value isn't one of these.

    >>> [p.name for p in mlp(layers=3).parameters]
    ['input.weight', 'hidden.0.weight', 'readout.weight']
    """
    if isinstance(layers, bool) or not isinstance(layers, int) or layers < 2:
        raise ArchitectureError(f"mlp: layers must be an integer of at least 2; given {layers!r}")
    for name, value in (("activation", activation), ("loss", loss)):
        if value not in KINDS[name]:
            raise ArchitectureError(f"mlp: {name} must be one of {', '.join(KINDS[name])}; given {value!r}")
    names = ["input", *(f"hidden.{index}" for index in range(layers - 2)), "readout"]
    nodes, last = [Node("data", "data", shape=("inputs",))], "data"
    for index, name in enumerate(names):
        shape = ("outputs" if name == "readout" else "width", "inputs" if index == 0 else "width")
        nodes += _layer(name, last, shape, bias, "" if name == "readout" else activation)
        last = nodes[-1].name
    nodes.append(Node("loss", "loss", (last,), kind=loss))
    return Architecture(nodes, {size: Power({size: 1}) for size in ("inputs", "width", "outputs")})


def _layer(name: str, source: str, shape: tuple[str, str], bias: bool, activation: str) -> list[Node]:
    nodes = [
        Node(f"{name}.weight", "parameter", shape=shape),
        Node(name, "linear", (source, f"{name}.weight")),
    ]
    if bias:
        nodes.append(Node(f"{name}.bias", "parameter", shape=shape[:1]))
        nodes.append(Node(f"{name}.shifted", "bias", (name, f"{name}.bias")))
    if activation:
        nodes.append(Node(f"{name}.activation", "activation", (nodes[-1].name,), kind=activation))
    return nodes
