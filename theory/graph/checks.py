"""The checks that an architecture passes before anything is derived from it; each error names its node."""

from typing import TYPE_CHECKING

import networkx as nx

from scalewright.theory.errors import ArchitectureError
from scalewright.theory.graph.nodes import ARITY, KINDS, MATRICES, REFUSED, SHAPES, Node

if TYPE_CHECKING:
    from scalewright.theory.graph.architecture import Architecture


def check(architecture: "Architecture") -> None:
    """Raise ArchitectureError at the first thing that is wrong with the graph."""
    _check_names(architecture)
    for node in architecture.nodes:
        _check_node(architecture, node)
    _check_acyclic(architecture)
    _check_loss(architecture)
    for node in architecture.nodes:
        _check_shape(architecture, node)


def _check_names(architecture: "Architecture") -> None:
    seen: set[str] = set()
    for node in architecture.nodes:
        if node.name in seen:
            raise ArchitectureError(f"Architecture: node names must be unique; given {node.name!r} twice")
        seen.add(node.name)


def _check_node(architecture: "Architecture", node: Node) -> None:
    if node.op in REFUSED:
        raise ArchitectureError(f"Architecture: node {node.name!r} can't be represented: {REFUSED[node.op]}")
    if node.op not in ARITY:
        known = ", ".join(ARITY)
        raise ArchitectureError(
            f"Architecture: the operation of node {node.name!r} must be one of {known}; given {node.op!r}"
        )
    kinds = KINDS.get(node.op, ("",))
    if node.kind not in kinds:
        known = ", ".join(kind or "''" for kind in kinds)
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


def _check_shape(architecture: "Architecture", node: Node) -> None:
    known = dict(architecture.dimensions)
    wanted = len(SHAPES.get(node.op, ()))
    if node.op == "parameter":
        ranks = {2 if user.op in MATRICES else 1: user.name for user in architecture.users_of(node.name)}
        if len(ranks) > 1:
            raise ArchitectureError(
                f"Architecture: parameter {node.name!r} must be tied between uses of one kind; "
                f"given as a matrix in {ranks[2]!r} and as a vector in {ranks[1]!r}"
            )
        wanted = next(iter(ranks))
    if len(node.shape) != wanted:
        raise ArchitectureError(
            f"Architecture: the shape of {node.op} {node.name!r} must have "
            f"{wanted} dimension(s); given {node.shape!r}"
        )
    for name in node.shape:
        if name not in known:
            raise ArchitectureError(
                f"Architecture: the dimensions of {node.name!r} must be among {', '.join(known)}; "
                f"given {name!r}"
            )
