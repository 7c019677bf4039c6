"""What follows from a graph that is sound so far: the dimension of every tensor, and the block it is in."""

from typing import TYPE_CHECKING

from scalewright.theory.errors import ArchitectureError
from scalewright.theory.graph.nodes import Node

if TYPE_CHECKING:
    from scalewright.theory.graph.architecture import Architecture

# The dimension of attention scores, which no weight reads.
POSITIONS = "positions"


def dimensions_of(architecture: "Architecture") -> dict[str, str]:
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
    if node.op == "score":
        return POSITIONS
    if node.op == "mix":
        return _second(node, sizes, POSITIONS, "the scores of a score node")
    if node.op == "mixture":
        return _second(node, sizes, node.shape[0], "one number for each expert")
    if POSITIONS in sizes:
        raise ArchitectureError(f"Architecture: {node.op} {node.name!r} must not take attention scores")
    if parameter is not None:
        return _through(node, parameter, sizes[0])
    if len(set(sizes)) > 1:
        raise ArchitectureError(
            f"Architecture: {node.op} {node.name!r} must take tensors of one dimension; "
            f"given {', '.join(sizes)}"
        )
    return sizes[0]


def _second(node: Node, sizes: list[str], wanted: str, what: str) -> str:
    if sizes[1] != wanted:
        raise ArchitectureError(
            f"Architecture: {node.op} {node.name!r} must take {what} as its second tensor; given {sizes[1]!r}"
        )
    return sizes[0]


def _through(node: Node, parameter: Node, size: str) -> str:
    """Return the dimension behind an operation with a parameter, which must fit the one before it."""
    shape = parameter.shape
    if node.op == "embedding" or (node.op == "linear" and node.kind == "transposed"):
        takes, makes = shape[0], shape[1]
    else:
        takes, makes = shape[-1], shape[0]
    if size != takes:
        raise ArchitectureError(
            f"Architecture: {node.op} {node.name!r} must take a tensor of the dimension of "
            f"{parameter.name!r}, {takes!r}; given {size!r}"
        )
    return makes


def blocks_of(architecture: "Architecture") -> dict[str, str]:
    """Return the stream of the repeated blocks that each tensor is inside of, for those that are.

    A block begins with a `stream`, which stands for the residual stream that every block reads, and ends with
    a `stack`, the stream behind all blocks.
    """
    found: dict[str, str] = {}
    for node in architecture.order:
        inside = {found[name] for name in architecture.tensors_of(node) if name in found}
        if len(inside) > 1:
            raise ArchitectureError(
                f"Architecture: {node.op} {node.name!r} must take tensors of one stack of blocks; "
                f"given {', '.join(sorted(inside))}"
            )
        if node.op == "stream":
            if inside:
                raise ArchitectureError(
                    f"Architecture: stream {node.name!r} must not begin inside other blocks; "
                    f"given inside {inside.pop()!r}"
                )
            found[node.name] = node.name
        elif node.op == "stack":
            if not inside:
                raise ArchitectureError(f"Architecture: stack {node.name!r} must end blocks; given no stream")
        elif inside:
            if node.op == "loss":
                raise ArchitectureError(
                    f"Architecture: the blocks of stream {inside.pop()!r} must end in a stack; given none"
                )
            found[node.name] = inside.pop()
    return _checked(architecture, found)


def _checked(architecture: "Architecture", found: dict[str, str]) -> dict[str, str]:
    for node in architecture.nodes:
        if node.op == "branch" and node.name not in found:
            raise ArchitectureError(
                f"Architecture: branch {node.name!r} must be inside repeated blocks; given no stream"
            )
        if node.op == "parameter":
            users = architecture.users_of(node.name)
            if len({found.get(user.name) for user in users}) > 1:
                names = ", ".join(user.name for user in users)
                raise ArchitectureError(
                    f"Architecture: parameter {node.name!r} must not be tied across the border of blocks; "
                    f"given in {names}"
                )
    return found


def spine_of(architecture: "Architecture") -> frozenset[str]:
    """Return the tensors by which blocks hand their stream on: by sums, norms and the like."""
    onward: set[str] = set()
    for node in architecture.order:
        passes = node.op in ("add", "gain", "bias", "norm", "activation", "pool")
        if node.op == "stream" or (passes and any(n in onward for n in architecture.tensors_of(node))):
            onward.add(node.name)
    found: set[str] = set()
    front = [node.inputs[0] for node in architecture.nodes if node.op == "stack"]
    while front:
        name = front.pop()
        if name in onward and name not in found:
            found.add(name)
            if architecture.by_name[name].op != "stream":
                front.extend(architecture.tensors_of(architecture.by_name[name]))
    return frozenset(found)


def experts_of(architecture: "Architecture") -> dict[str, frozenset[str]]:
    """Return the tensors inside the experts of each mixture: from its first tensor back to the dispatch."""
    return {node.name: frozenset(_inside(architecture, node)) for node in architecture.mixtures}


def _inside(architecture: "Architecture", mixture: Node) -> set[str]:
    found: set[str] = set()
    front = [mixture.inputs[0]]
    while front:
        node = architecture.by_name[front.pop()]
        if node.op == "parameter" or node.name in found:
            continue
        if node.op == "data":
            raise ArchitectureError(
                f"Architecture: mixture {mixture.name!r} must take experts that begin with a dispatch; "
                f"given a path from {node.name!r} without one"
            )
        found.add(node.name)
        if node.op != "dispatch":
            front.extend(node.inputs)
    return found
