"""The network as a graph: tensors, parameters and operations, checked once and then frozen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import networkx as nx

from scalewright.theory.graph.checks import check, infer_dimensions
from scalewright.theory.graph.nodes import Node
from scalewright.theory.graph.schema import SCHEMA_VERSION, read
from scalewright.theory.power import Power


@dataclass(frozen=True)
class Architecture:
    """A directed acyclic graph of tensors, parameters and operations, with one loss at its end.

    `dimensions` gives each named dimension its size as a Power: `{"width": Power({"width": 1})}` grows with
    the width, `{"neck": Power({"width": "1/2"})}` with its square root, `{"inputs": Power({"inputs": 1})}` is
    fixed.
    Raises ArchitectureError, naming the node, if the graph isn't sound. Cost: linear in the number of nodes.
    """

    nodes: tuple[Node, ...]
    dimensions: tuple[tuple[str, Power], ...]

    def __init__(self, nodes: Iterable[Node], dimensions: Mapping[str, Power]) -> None:
        object.__setattr__(self, "nodes", tuple(nodes))
        object.__setattr__(self, "dimensions", tuple(dimensions.items()))
        check(self)

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
        """The parameters in the order of their use along the forward pass."""
        used = [name for node in self.order for name in node.inputs if self.by_name[name].op == "parameter"]
        return tuple(self.by_name[name] for name in dict.fromkeys(used))

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
            if node.op in ("parameter", "data") or node.name in found:
                continue
            found.add(node.name)
            if node.op != "linear":
                front.extend(node.inputs)
        return frozenset(found)

    def tensors_of(self, node: Node) -> tuple[str, ...]:
        """Return the inputs of an operation that are tensors."""
        return tuple(name for name in node.inputs if self.by_name[name].op != "parameter")

    def parameter_of(self, node: Node) -> Node | None:
        """Return the parameter that an operation takes, if any."""
        names = [name for name in node.inputs if self.by_name[name].op == "parameter"]
        return self.by_name[names[0]] if names else None

    def user_of(self, parameter: str) -> Node:
        """Return the operation that takes the parameter."""
        return next(node for node in self.nodes if parameter in node.inputs)

    def size(self, dimension: str) -> Power:
        """Return the size of a named dimension."""
        return dict(self.dimensions)[dimension]

    def fan_in(self, parameter: Node) -> Power:
        """Return the size over which a weight contracts; 1 for a bias."""
        return self.size(parameter.shape[1]) if len(parameter.shape) == 2 else Power.one()

    def fan_out(self, parameter: Node) -> Power:
        """Return the number of rows of a weight, or the size of a bias."""
        return self.size(parameter.shape[0])

    @cached_property
    def dimension_of(self) -> dict[str, str]:
        """The named dimension of every tensor."""
        return infer_dimensions(self)

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
