"""Requirements that training does something: in the logits, in every layer, in every block."""

from collections.abc import Iterator

from scalewright.theory.calculus.sizes import Sizes, unknown
from scalewright.theory.desiderata.base import Desideratum, nodes_of, reason
from scalewright.theory.graph.nodes import MATRICES
from scalewright.theory.solver.affine import Affine
from scalewright.theory.solver.system import Constraint


def _nontrivial(sizes: Sizes) -> Iterator[Constraint]:
    logits = sizes.architecture.loss.inputs[0]
    change = sizes.change[logits]
    if change is not None:
        yield Constraint(change, "==", reason("nontrivial", f"{logits} moves by Theta(1)"))


def _effective(sizes: Sizes, name: str) -> Iterator[Constraint]:
    """Every update moves the stream behind all blocks, or the features, by as much as features may move."""
    for node, term in sizes.effective.items():
        target = 0 if node in sizes.architecture.logits else sizes.axis.feature_change
        why = reason(name, f"Theta(1) {term.reason}")
        passed = sizes.lift(node) + (sizes.factor(node) or 0)
        yield Constraint(term.value + passed - target, "==", why)


def _effective_update(sizes: Sizes) -> Iterator[Constraint]:
    return _effective(sizes, "effective update")


def _maximal_update(sizes: Sizes) -> Iterator[Constraint]:
    name = "maximal update"
    yield from _effective(sizes, name)
    for node, term in sizes.propagating.items():
        if node in sizes.architecture.logits or (node in sizes.late and _contracts(sizes, node)):
            value = term.value + (sizes.factor(node) or 0)
            yield Constraint(value, "==", reason(name, f"Theta(1) {term.reason}"))
    for score in nodes_of(sizes, ("score",)):
        change = sizes.change[score.name]
        if change is not None and sizes.exponent(score.shape[0]):
            yield Constraint(change, "==", reason(name, f"{score.name} moves by Theta(1)"))


def _contracts(sizes: Sizes, name: str) -> bool:
    return sizes.architecture.by_name[name].op in MATRICES


def _lazy_initialisation(sizes: Sizes) -> Iterator[Constraint]:
    for node in nodes_of(sizes, MATRICES, "logits"):
        start = sizes.forward[node.name]
        if start is not None:
            why = reason("lazy initialisation", f"{node.name} starts at Theta(1)")
            yield Constraint(start + (sizes.factor(node.name) or 0), "==", why)


def _branches(sizes: Sizes) -> Iterator[tuple[str, Affine]]:
    """Yield the branches of repeated blocks, each with what it starts with over all blocks."""
    for branch in nodes_of(sizes, ("branch",)):
        mu = sizes.blocks(sizes.architecture.block_of[branch.name])
        start = sizes.forward[branch.inputs[0]]
        if mu and start is not None:
            yield branch.name, start - unknown("m", branch.name) + mu / 2


def _feature_diversity(sizes: Sizes) -> Iterator[Constraint]:
    for name, start in _branches(sizes):
        why = f"{name} starts by adding Theta(1) to the stream over all blocks"
        yield Constraint(start, "==", reason("feature diversity", why))


def _non_lazy_blocks(sizes: Sizes) -> Iterator[Constraint]:
    graph = sizes.architecture
    for node in nodes_of(sizes, MATRICES):
        stream = graph.block_of.get(node.name)
        if stream is not None and sizes.blocks(stream) and node.name in sizes.effective:
            why = f"{node.name} moves by Theta(1) through its own weight in every block"
            yield Constraint(sizes.effective[node.name].value, "==", reason("non-lazy blocks", why))


nontrivial = Desideratum("nontrivial", "logits move by Theta(1)", "training", _nontrivial)
effective_update = Desideratum(
    "effective update", "every parameter moves what it feeds by Theta(1)", "training", _effective_update
)
maximal_update = Desideratum(
    "maximal update",
    "every parameter moves what it feeds by Theta(1) (inside blocks: the stream behind all blocks), and the "
    "initial readout, narrow layers and attention pass the features' change on",
    "training",
    _maximal_update,
)
lazy_initialisation = Desideratum(
    "lazy initialisation",
    "the initial readout contributes Theta(1) to the logits",
    "init",
    _lazy_initialisation,
)
feature_diversity = Desideratum(
    "feature diversity",
    "the initial branches add Theta(1) to the stream over all blocks, so that blocks differ",
    "init",
    _feature_diversity,
)
non_lazy_blocks = Desideratum(
    "non-lazy blocks",
    "the weights of every single block move its preactivations by Theta(1)",
    "training",
    _non_lazy_blocks,
)
