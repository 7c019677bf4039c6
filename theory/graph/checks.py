"""The checks that an architecture passes before anything is derived from it; each error names its node."""

from typing import TYPE_CHECKING

import networkx as nx

from scalewright.theory.errors import ArchitectureError
from scalewright.theory.graph.nodes import ARITY, KINDS, Node

if TYPE_CHECKING:
    from scalewright.theory.graph.architecture import Architecture


def check(architecture: "Architecture") -> None:
    """Raise ArchitectureError at the first thing that is wrong with the graph."""
    _check_names(architecture)
    for node in architecture.nodes:
        _check_node(architecture, node)
    _check_acyclic(architecture)
    _check_loss(architecture)
    _check_shapes(architecture)
    infer_dimensions(architecture)


def _check_names(architecture: "Architecture") -> None:
    seen: set[str] = set()
    for node in architecture.nodes:
        if node.name in seen:
            raise ArchitectureError(f"Architecture: node names must be unique; given {node.name!r} twice")
        seen.add(node.name)


def _check_node(architecture: "Architecture", node: Node) -> None:
    if node.op not in ARITY:
        known = ", ".join(ARITY)
        raise ArchitectureError(
            f"Architecture: the operation of node {node.name!r} must be one of {known}; given {node.op!r}"
        )
    if node.op in KINDS and node.kind not in KINDS[node.op]:
        known = ", ".join(KINDS[node.op])
        raise ArchitectureError(
            f"Architecture: the kind of {node.op} {node.name!r} must be one of {known}; given {node.kind!r}"
        )
    for name in node.inputs:
        if name not in architecture.by_name:
            raise ArchitectureError(
                f"Architecture: the inputs of node {node.name!r} must be nodes; given {name!r}"
            )
    _check_arity(architecture, node)


def _check_arity(architecture: "Architecture", node: Node) -> None:
    tensors, parameters = ARITY[node.op]
    kinds = [architecture.by_name[name].op == "parameter" for name in node.inputs]
    found = (kinds.count(False), kinds.count(True))
    wanted = (
        "at least one tensor" if tensors is None else f"{tensors} tensor(s) and {parameters} parameter(s)"
    )
    if found[1] != parameters or (found[0] != tensors if tensors is not None else found[0] < 1):
        raise ArchitectureError(
            f"Architecture: {node.op} {node.name!r} must take {wanted}; "
            f"given {found[0]} tensor(s) and {found[1]} parameter(s)"
        )
    if kinds != sorted(kinds):
        raise ArchitectureError(
            f"Architecture: {node.op} {node.name!r} must name its tensors before its parameters; "
            f"given {', '.join(node.inputs)}"
        )


def _check_acyclic(architecture: "Architecture") -> None:
    try:
        cycle = nx.find_cycle(architecture.graph)
    except nx.NetworkXNoCycle:
        return
    path = " -> ".join([edge[0] for edge in cycle] + [cycle[-1][1]])
    raise ArchitectureError(f"Architecture: the graph must have no cycle; given the cycle {path}")


def _check_loss(architecture: "Architecture") -> None:
    losses = [node.name for node in architecture.nodes if node.op == "loss"]
    if len(losses) != 1:
        raise ArchitectureError(
            f"Architecture: the graph must have exactly one loss node; given {len(losses)}"
        )
    reaching = nx.ancestors(architecture.graph, losses[0])
    for node in architecture.nodes:
        if node.op != "loss" and node.name not in reaching:
            what = "parameter" if node.op == "parameter" else "node"
            raise ArchitectureError(
                f"Architecture: {what} {node.name!r} must have a path to the loss {losses[0]!r}; given none"
            )
        uses = architecture.graph.out_degree(node.name)
        if node.op == "parameter" and uses > 1:
            raise ArchitectureError(
                f"Architecture: parameter {node.name!r} must be used by one operation "
                "(tied parameters have no rule yet); "
                f"given {uses}"
            )


def _check_shapes(architecture: "Architecture") -> None:
    known = dict(architecture.dimensions)
    wanted = {"data": 1}
    for node in architecture.nodes:
        if node.op == "parameter":
            wanted["parameter"] = 2 if architecture.user_of(node.name).op == "linear" else 1
        if len(node.shape) != wanted.get(node.op, 0):
            raise ArchitectureError(
                f"Architecture: the shape of {node.op} {node.name!r} must have "
                f"{wanted.get(node.op, 0)} dimension(s); given {node.shape!r}"
            )
        for name in node.shape:
            if name not in known:
                raise ArchitectureError(
                    f"Architecture: the dimensions of {node.name!r} must be among {', '.join(known)}; "
                    f"given {name!r}"
                )


def infer_dimensions(architecture: "Architecture") -> dict[str, str]:
    """Return the dimension of every tensor; ArchitectureError where an operation can't take it."""
    found: dict[str, str] = {}
    for node in architecture.order:
        if node.op == "parameter":
            continue
        sizes = [found[name] for name in architecture.tensors_of(node)]
        found[node.name] = _dimension(architecture, node, sizes)
    return found


def _dimension(architecture: "Architecture", node: Node, sizes: list[str]) -> str:
    parameter = architecture.parameter_of(node)
    if node.op == "data":
        return node.shape[0]
    if parameter is not None and sizes[0] != parameter.shape[-1]:
        raise ArchitectureError(
            f"Architecture: {node.op} {node.name!r} must take a tensor of the dimension of "
            f"{parameter.name!r}, {parameter.shape[-1]!r}; given {sizes[0]!r}"
        )
    if len(set(sizes)) > 1:
        raise ArchitectureError(
            f"Architecture: {node.op} {node.name!r} must take tensors of one dimension; "
            f"given {', '.join(sizes)}"
        )
    return parameter.shape[0] if parameter is not None else sizes[0]
