"""Build an architecture of one's own, operation by operation."""

from collections.abc import Mapping

from scalewright.theory.errors import ArchitectureError
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.nodes import Node
from scalewright.theory.power import Exponent, Power

Size = Power | Mapping[str, Exponent]


class Graph:
    """A network under construction: every method adds an operation and returns the name of its tensor.

    Dimensions are named by keyword; a size is a Power, or the exponents that make one. A dimension that is
    not given grows as its own name: `Graph()` knows "width" as n.

    >>> g = Graph(neck={"width": "1/2"})
    >>> x = g.activation(g.linear("encoder", g.data("inputs"), "width"), "relu")
    >>> x = g.linear("neck", x, "neck")
    >>> [p.name for p in g.loss(g.linear("decoder", x, "outputs"), "squared").parameters]
    ['encoder.weight', 'neck.weight', 'decoder.weight']
    """

    def __init__(self, **dimensions: Size) -> None:
        self._nodes: dict[str, Node] = {}
        self._dimension: dict[str, str] = {}
        self._sizes: dict[str, Power] = {}
        for name, size in dimensions.items():
            self.size(name, size)

    def add_node(self, node: Node, dimension: str) -> str:
        """Add a node as it is, whose tensor has a dimension, and return its name."""
        if node.name in self._nodes:
            raise ArchitectureError(f"Graph: node names must be unique; given {node.name!r} twice")
        for name in (*node.shape, dimension):
            self._sizes.setdefault(name, Power({name: 1}))
        self._nodes[node.name] = node
        self._dimension[node.name] = dimension
        return node.name

    def size(self, dimension: str, size: Size) -> None:
        """Say how a dimension grows."""
        self._sizes[dimension] = size if isinstance(size, Power) else Power(size)

    def _of(self, tensor: str) -> str:
        if tensor not in self._dimension:
            raise ArchitectureError(f"Graph: a tensor must be one that was added; given {tensor!r}")
        return self._dimension[tensor]

    def data(self, dimension: str, name: str = "data") -> str:
        """Add what the network sees."""
        return self.add_node(Node(name, "data", shape=(dimension,)), dimension)

    def parameter(self, name: str, *shape: str, kind: str = "") -> str:
        """Add a parameter, or take the one of that name (tied); `kind`: zero, frozen, frozen zero."""
        if not shape:
            raise ArchitectureError(
                f"Graph: the shape of parameter {name!r} must name dimensions; given none"
            )
        known = self._nodes.get(name)
        if known is not None:
            if (known.op, known.shape, known.kind) != ("parameter", shape, kind):
                raise ArchitectureError(
                    f"Graph: parameter {name!r} must have one shape and kind; given {known.shape} "
                    f"{known.kind!r} and {shape} {kind!r}"
                )
            return name
        return self.add_node(Node(name, "parameter", shape=shape, kind=kind), shape[0])

    def linear(
        self, name: str, x: str, to: str, *, bias: bool = False, kind: str = "", weight: str | None = None,
        op: str = "linear",
    ) -> str:  # fmt: skip
        """Add y = W x, W of shape (to, dimension of x) or the parameter `weight` (tied)."""
        used = weight or self.parameter(f"{name}.weight", to, self._of(x), kind=kind)
        y = self.add_node(Node(name, op, (x, used)), to)
        return self.bias(f"{name}.bias", y) if bias else y

    def transposed(self, name: str, x: str, weight: str) -> str:
        """Add y = W^T x with a parameter that another operation uses."""
        known = self._nodes.get(weight)
        if known is None or len(known.shape) != 2:
            raise ArchitectureError(f"Graph: weight must be a matrix that was added; given {weight!r}")
        return self.add_node(Node(name, "linear", (x, weight), kind="transposed"), known.shape[1])

    def convolution(self, name: str, x: str, to: str, *, bias: bool = False) -> str:
        """Add a convolution; its weight's shape names channels, since kernels are of fixed size."""
        return self.linear(name, x, to, bias=bias, op="convolution")

    def embedding(self, name: str, x: str, to: str, *, kind: str = "") -> str:
        """Add a look-up of rows of `name`.weight, of shape (dimension of x, to)."""
        weight = self.parameter(f"{name}.weight", self._of(x), to, kind=kind)
        return self.add_node(Node(name, "embedding", (x, weight)), to)

    def bias(self, name: str, x: str, *, kind: str = "") -> str:
        """Add y = x + b, b the parameter `name`; `kind` "zero" if it starts at zero."""
        self.parameter(name, self._of(x), kind=kind)
        return self.add_node(Node(f"{x}.shifted", "bias", (x, name)), self._of(x))

    def gain(self, name: str, x: str) -> str:
        """Add y = g x, entry by entry, with the parameter `name` that starts at one."""
        self.parameter(name, self._of(x))
        return self.add_node(Node(f"{x}.scaled", "gain", (x, name)), self._of(x))

    def depthwise(self, name: str, x: str) -> str:
        """Add a convolution of every channel by itself, with kernels `name`.weight of fixed size."""
        weight = self.parameter(f"{name}.weight", self._of(x))
        return self.add_node(Node(name, "depthwise", (x, weight)), self._of(x))

    def norm(self, name: str, x: str, kind: str = "layer", *, affine: bool = True) -> str:
        """Add a normalization; `affine`: with gain `name`.weight, and bias `name`.bias unless rms."""
        y = self.add_node(Node(name, "norm", (x,), kind=kind), self._of(x))
        if not affine:
            return y
        y = self.gain(f"{name}.weight", y)
        return y if kind == "rms" else self.bias(f"{name}.bias", y, kind="zero")

    def activation(self, x: str, kind: str, name: str | None = None) -> str:
        """Add an activation."""
        return self.add_node(Node(name or f"{x}.activation", "activation", (x,), kind=kind), self._of(x))

    def pool(self, x: str, kind: str = "mean") -> str:
        """Add a pool over positions."""
        return self.add_node(Node(f"{x}.pool", "pool", (x,), kind=kind), self._of(x))

    def add(self, name: str, *tensors: str) -> str:
        """Add a sum."""
        if not tensors:
            raise ArchitectureError(f"Graph: the sum {name!r} must take at least one tensor; given none")
        return self.add_node(Node(name, "add", tensors), self._of(tensors[0]))

    def product(self, name: str, first: str, second: str) -> str:
        """Add an entrywise product, such as a gate."""
        return self.add_node(Node(name, "product", (first, second)), self._of(first))

    def multiplier(self, name: str, x: str) -> str:
        """Add y = N^-m x with an exponent m that is solved for."""
        return self.add_node(Node(name, "multiplier", (x,)), self._of(x))

    def attention(self, name: str, query: str, key: str, value: str, head: str) -> str:
        """Add softmax(q k / head^p) v: the scores are `name`.scores, with p solved for."""
        scores = self.add_node(Node(f"{name}.scores", "score", (query, key), (head,)), "positions")
        return self.add_node(Node(f"{name}.mix", "mix", (value, scores)), self._of(value))

    def stream(self, name: str, x: str, blocks: str) -> str:
        """Begin repeated residual blocks: the stream that every one of them reads."""
        return self.add_node(Node(name, "stream", (x,), (blocks,)), self._of(x))

    def residual(self, name: str, stream: str, branch: str) -> str:
        """Add x + L^-m F(x): the factor is `name`.branch."""
        scaled = self.add_node(Node(f"{name}.branch", "branch", (branch,)), self._of(branch))
        return self.add(name, stream, scaled)

    def stack(self, name: str, x: str) -> str:
        """End repeated blocks: the stream behind all of them."""
        return self.add_node(Node(name, "stack", (x,)), self._of(x))

    def dispatch(self, name: str, x: str, experts: str, active: str) -> str:
        """Begin the experts of a mixture, of which a token uses the `active` best."""
        return self.add_node(Node(name, "dispatch", (x,), (experts, active)), self._of(x))

    def mixture(self, name: str, x: str, router: str, experts: str, active: str) -> str:
        """End the experts: their outputs, weighted by the softmax of the router's scores."""
        return self.add_node(Node(name, "mixture", (x, router), (experts, active)), self._of(x))

    def loss(self, x: str, kind: str = "cross-entropy") -> Architecture:
        """Add the loss, and return the checked architecture."""
        nodes = [*self._nodes.values(), Node("loss", "loss", (x,), kind=kind)]
        named = {name for node in nodes for name in node.shape}
        return Architecture(nodes, {name: size for name, size in self._sizes.items() if name in named})
