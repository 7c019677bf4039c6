"""The network as a graph: tensors, parameters and operations, checked once and then frozen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import networkx as nx

from scalewright.theory.errors import ArchitectureError
from scalewright.theory.graph.checks import check
from scalewright.theory.graph.layout import blocks_of, dimensions_of, experts_of, spine_of
from scalewright.theory.graph.nodes import KINDS, MATRICES, Node
from scalewright.theory.graph.schema import SCHEMA_VERSION, read
from scalewright.theory.power import Power


@dataclass(frozen=True)
class Architecture:
    """A directed acyclic graph of tensors, parameters and operations, with one loss at its end.

    `dimensions` gives each named dimension its size as a Power: `{"width": Power({"width": 1})}` grows with
    the width, `{"neck": Power({"width": "1/2"})}` with its square root, `{"inputs": Power({"inputs": 1})}` is
    fixed. A parameter that several operations take is tied.

    Raises ArchitectureError, naming the node, if the graph isn't sound. Cost: linear in the number of nodes.
    """

    nodes: tuple[Node, ...]
    dimensions: tuple[tuple[str, Power], ...]

    def __init__(self, nodes: Iterable[Node], dimensions: Mapping[str, Power]) -> None:
        object.__setattr__(self, "nodes", tuple(nodes))
        object.__setattr__(self, "dimensions", tuple(dimensions.items()))
        check(self)
        _ = self.dimension_of, self.block_of, self.experts_of

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """The nodes by name."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def graph(self) -> nx.DiGraph:
        """The networkx graph: an edge from every input to the operation that takes it."""
        graph = nx.DiGraph()
        graph.add_nodes_from(node.name for node in self.nodes)
        graph.add_edges_from((source, node.name) for node in self.nodes for source in node.inputs)
        return graph

    @cached_property
    def order(self) -> tuple[Node, ...]:
        """The nodes in an order in which inputs come first; ties keep the order of declaration."""
        rank = {node.name: index for index, node in enumerate(self.nodes)}
        names = nx.lexicographical_topological_sort(self.graph, key=lambda name: rank[name])
        return tuple(self.by_name[name] for name in names)

    @cached_property
    def parameters(self) -> tuple[Node, ...]:
        """The parameters in the order of their first use along the forward pass."""
        used = [name for node in self.order for name in node.inputs if self.by_name[name].op == "parameter"]
        return tuple(self.by_name[name] for name in dict.fromkeys(used))

    @cached_property
    def trainable(self) -> tuple[Node, ...]:
        """The parameters that training moves: all but the frozen ones."""
        return tuple(node for node in self.parameters if not node.is_frozen)

    @cached_property
    def loss(self) -> Node:
        """The loss node."""
        return next(node for node in self.nodes if node.op == "loss")

    @cached_property
    def logits(self) -> frozenset[str]:
        """The tensors from the readout to the loss: back from the loss up to the first linear map."""
        found: set[str] = set()
        front = list(self.loss.inputs)
        while front:
            node = self.by_name[front.pop()]
            if node.op in ("parameter", "data", "stack") or node.name in found:
                continue
            found.add(node.name)
            if node.op not in MATRICES:
                front.extend(node.inputs)
        return frozenset(found)

    def tensors_of(self, node: Node) -> tuple[str, ...]:
        """Return the inputs of an operation that are tensors."""
        return tuple(name for name in node.inputs if self.by_name[name].op != "parameter")

    def parameter_of(self, node: Node) -> Node | None:
        """Return the parameter that an operation takes, if any."""
        names = [name for name in node.inputs if self.by_name[name].op == "parameter"]
        return self.by_name[names[0]] if names else None

    @cached_property
    def _users(self) -> dict[str, tuple[Node, ...]]:
        found: dict[str, list[Node]] = {}
        for node in self.order:
            for name in node.inputs:
                found.setdefault(name, []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    def users_of(self, name: str) -> tuple[Node, ...]:
        """Return the operations that take a tensor or a parameter, in order; several if it is tied."""
        return self._users.get(name, ())

    def user_of(self, parameter: str) -> Node:
        """Return the first operation that takes the parameter."""
        return self._users[parameter][0]

    def size(self, dimension: str) -> Power:
        """Return the size of a named dimension."""
        return self._sizes[dimension]

    @cached_property
    def _sizes(self) -> dict[str, Power]:
        return dict(self.dimensions)

    def fan_in(self, parameter: Node) -> Power:
        """Return the size over which a weight contracts at its first use; 1 for a vector or an embedding."""
        return self.fans(self.user_of(parameter.name))[0]

    def fan_out(self, parameter: Node) -> Power:
        """Return the number of outputs of a weight at its first use, or the size of a vector."""
        return self.fans(self.user_of(parameter.name))[1]

    def fans(self, node: Node) -> tuple[Power, Power]:
        """Return fan-in and fan-out of an operation with a parameter; an embedding reads one row."""
        parameter = self.parameter_of(node)
        assert parameter is not None
        shape = parameter.shape
        if node.op == "embedding":
            return Power.one(), self.size(shape[1])
        if len(shape) == 1:
            return Power.one(), self.size(shape[0])
        made, taken = (shape[1], shape[0]) if node.kind == "transposed" else shape
        return self.size(taken), self.size(made)

    @cached_property
    def dimension_of(self) -> dict[str, str]:
        """The named dimension of every tensor."""
        return dimensions_of(self)

    @cached_property
    def block_of(self) -> dict[str, str]:
        """The stream of the repeated blocks that a tensor is inside of, for those tensors that are."""
        return blocks_of(self)

    @cached_property
    def spine(self) -> frozenset[str]:
        """The tensors inside blocks that are the stream itself, with what the blocks add so far."""
        return spine_of(self)

    @cached_property
    def mixtures(self) -> tuple[Node, ...]:
        """The mixtures of experts."""
        return tuple(node for node in self.nodes if node.op == "mixture")

    @cached_property
    def experts_of(self) -> dict[str, frozenset[str]]:
        """The tensors inside the experts of each mixture: from its dispatch on."""
        return experts_of(self)

    def with_loss(self, kind: str) -> "Architecture":
        """Return the same network with another loss: squared, cross-entropy or brier.

        Raises ArchitectureError for another `kind`.
        """
        if kind not in KINDS["loss"]:
            known = ", ".join(KINDS["loss"])
            raise ArchitectureError(f"Architecture.with_loss: kind must be one of {known}; given {kind!r}")
        nodes = [replace(node, kind=kind) if node.op == "loss" else node for node in self.nodes]
        return Architecture(nodes, dict(self.dimensions))

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with the schema version, the dimensions and the nodes."""
        sizes = {name: {n: str(e) for n, e in power.items} for name, power in self.dimensions}
        return {
            "schema": SCHEMA_VERSION,
            "dimensions": sizes,
            "nodes": [node.to_json() for node in self.nodes],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | str) -> "Architecture":
        """Read what `to_json` wrote, object or text; ArchitectureError names what is wrong, and where."""
        return cls(*read(data))
