"""The sizes of one network on one axis: what the rules read and write."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from scalewright.theory.calculus.alignment import HALF, Alignment
from scalewright.theory.calculus.optimizers import Assignment, Optimizer
from scalewright.theory.calculus.parts import Parts
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.nodes import MATRICES, Node
from scalewright.theory.power import Power
from scalewright.theory.solver.affine import Affine, Max, Term
from scalewright.theory.solver.system import Constraint, Definition

# Operations that hand sizes, changes and gradients on as they are.
PASSING = ("activation", "pool")
ZERO = Fraction(0)


@dataclass(frozen=True)
class Axis:
    """A size N that grows: `powers` says as which power of N each named size grows.

    The axis "width" is {"width": 1}; a ray L = n^(1/2) is {"width": 1, "depth": 1/2}. On the axis gamma, N is
    1/gamma; on the axis batch the gradient is noise of size N^-1/2, and a fixed number of samples takes N^-1
    steps.
    """

    name: str
    powers: Mapping[str, Fraction]

    @property
    def noise(self) -> Fraction:
        """Exponent by which a measured gradient exceeds its mean."""
        return -HALF if self.name == "batch" else ZERO

    @property
    def steps(self) -> Fraction:
        """Exponent of the number of steps."""
        return Fraction(-1) if self.name == "batch" else ZERO

    @property
    def feature_change(self) -> Fraction:
        """Exponent by which features are meant to move: gamma on the axis gamma, 1 elsewhere."""
        return Fraction(-1) if self.name == "gamma" else ZERO

    def exponent(self, power: Power) -> Fraction:
        """Return the exponent of N in a monomial."""
        return sum((power.exponent(name) * weight for name, weight in self.powers.items()), ZERO)


def unknown(symbol: str, name: str) -> Affine:
    """Return the unknown that the proofs print as symbol[name]."""
    return Affine.unknown(f"{symbol}[{name}]")


@dataclass
class Sizes:
    """All sizes of one network on one axis, as affine forms in the exponents of its parameters.

    `forward`, `change` and `gradient` hold s, D and G of every tensor (None: an exact zero); `parts` the same
    split by what comes from the stream of blocks, by symbol and name. `effective` and `propagating` hold E
    and P of every operation with a weight, `raw_gradient` g of every parameter, `latest` z = max(s, D) of the
    tensors that a gradient sees. `definitions` say what the new unknowns are, `conditions` what the rules
    need to hold.
    """

    architecture: Architecture
    assignment: Assignment
    axis: Axis
    alignment: Alignment
    forward: dict[str, Affine | None] = field(default_factory=dict)
    change: dict[str, Affine | None] = field(default_factory=dict)
    gradient: dict[str, Affine | None] = field(default_factory=dict)
    parts: dict[tuple[str, str], Parts] = field(default_factory=dict)
    raw_gradient: dict[str, Affine] = field(default_factory=dict)
    effective: dict[str, Term] = field(default_factory=dict)
    propagating: dict[str, Term] = field(default_factory=dict)
    latest: dict[str, Affine] = field(default_factory=dict)
    definitions: list[Definition] = field(default_factory=list)
    conditions: list[Constraint] = field(default_factory=list)

    def exponent(self, dimension: str) -> Fraction:
        """Return the exponent of a named dimension on the axis."""
        return self.axis.exponent(self.architecture.size(dimension))

    def fans(self, node: Node) -> tuple[Fraction, Fraction]:
        """Return the exponents of fan-in and fan-out of an operation with a parameter."""
        fan_in, fan_out = self.architecture.fans(node)
        return self.axis.exponent(fan_in), self.axis.exponent(fan_out)

    def blocks(self, stream: str) -> Fraction:
        """Return the exponent of the number of blocks that read a stream."""
        return self.exponent(self.architecture.by_name[stream].shape[0])

    def optimizer(self, parameter: str) -> Optimizer:
        """Return the optimizer of a parameter."""
        return self._optimizers[parameter]

    @cached_property
    def _optimizers(self) -> dict[str, Optimizer]:
        graph = self.architecture
        return {node.name: self.assignment.of(graph, node) for node in graph.trainable}

    def parameter(self, node: Node) -> Node:
        """Return the parameter that the operation takes."""
        found = self.architecture.parameter_of(node)
        assert found is not None
        return found

    def define(self, symbol: str, name: str, maximum: Max) -> Affine:
        """Return a form equal to the maximum: the term itself if it's short, a new unknown otherwise."""
        if len(maximum.terms) == 1 and not maximum.terms[0].later:
            value = maximum.terms[0].value
            if value.is_constant or (not value.constant and list(value.coefficients.values()) == [1]):
                return value
        self.definitions.append(Definition(f"{symbol}[{name}]", maximum))
        return unknown(symbol, name)

    def settle(self, symbol: str, name: str, found: Parts, base: Affine | None) -> Affine | None:
        """Record a size by its parts, each with one term, and return the whole."""
        kept = Parts(
            self._short(symbol, "own", name, found.own) if base is not None else found.own,
            self._short(symbol, "thru", name, found.thru),
            self._short(symbol, "loop", name, found.loop),
        )
        total = kept.total(base)
        whole = self.define(symbol, name, total) if total else None
        if base is None and whole is not None:
            kept = Parts.of(whole, f"{symbol}[{name}]")
        self.parts[symbol, name] = kept
        return whole

    def _short(self, symbol: str, part: str, name: str, maximum: Max) -> Max:
        if len(maximum.terms) < 2 or Parts(thru=maximum).is_stream:
            return maximum
        words = {
            "own": "the blocks' own part",
            "thru": "what the stream brings through initial weights",
            "loop": "what updates make of the stream",
        }
        form = self.define(f"{symbol}.{part}", name, maximum)
        return Max.of(form, f"{words[part]} of {symbol}[{name}]")

    def later(self, name: str) -> Affine | None:
        """Return the exponent of a tensor's size after training began, max(s, D); None for an exact zero."""
        name = self.origin(name)
        if not self.moves[name]:
            return self.forward[name]
        return self.latest.setdefault(name, unknown("z", name))

    def origin(self, name: str) -> str:
        """Return the tensor whose sizes this one has: back through activations and pools."""
        node = self.architecture.by_name[name]
        while node.op in PASSING:
            node = self.architecture.by_name[node.inputs[0]]
        return node.name

    def carries(self, name: str, parameter: str) -> bool:
        """Whether a tensor contains rows of an embedding's weight, handed on by sums and norms."""
        return parameter in self._rows[name]

    @cached_property
    def _rows(self) -> dict[str, frozenset[str]]:
        """The embeddings' weights whose rows each tensor contains as they are."""
        found: dict[str, frozenset[str]] = {}
        onward = ("add", "norm", "gain", "bias", "stream", "stack", "multiplier")
        for node in self.architecture.order:
            tensors = self.architecture.tensors_of(node) if node.op in onward else ()
            own = [self.parameter(node).name] if node.op == "embedding" else []
            found[node.name] = frozenset(own).union(*(found[name] for name in tensors))
        return found

    @cached_property
    def silent(self) -> frozenset[str]:
        """The tensors without a gradient at the first step: zero weights bar every way to the loss."""
        graph, heard = self.architecture, {self.architecture.loss.name}
        for node in reversed(graph.order):
            for user in graph.users_of(node.name):
                weight = graph.parameter_of(user)
                passes = weight is None or not weight.starts_at_zero or user.op in ("bias", "gain")
                if user.name in heard and passes:
                    heard.add(node.name)
        return frozenset(node.name for node in graph.nodes if node.name not in heard)

    @cached_property
    def moves(self) -> dict[str, bool]:
        """Whether training moves a tensor: whether a trainable parameter is behind it."""
        graph = self.architecture
        trained = {graph.block_of.get(user.name) for p in graph.trainable for user in graph.users_of(p.name)}
        found: dict[str, bool] = {}
        for node in graph.order:
            if node.op == "parameter":
                found[node.name] = not node.is_frozen
            else:
                found[node.name] = any(found[name] for name in node.inputs) or (
                    node.op == "stream" and node.name in trained
                )
        return found

    def first(self, form: Affine) -> Affine | None:
        """Return a form as it is at the first step, when what comes later is absent; None for an exact zero.

        The unknowns of the first step are defined on demand, and carry a prime.
        """
        total = Affine(form.constant)
        for name, factor in form.coefficients.items():
            start = self._first_of(name)
            if start is None:
                return None
            total = total + start * factor
        return total

    def _first_of(self, name: str) -> Affine | None:
        if name not in self._defined:
            return Affine.unknown(name)
        if name not in self._firsts:
            self._firsts[name] = None
            terms = [term for term in self._defined[name].maximum.terms if not term.later]
            starts = [(self.first(term.value), term.reason) for term in terms]
            found = Max(
                tuple(Term(value, f"at the first step: {why}") for value, why in starts if value is not None)
            )
            if found:
                self.definitions.append(Definition(name + "'", found))
                self._firsts[name] = Affine.unknown(name + "'")
        return self._firsts[name]

    @cached_property
    def _defined(self) -> dict[str, Definition]:
        return {definition.name: definition for definition in self.definitions}

    @cached_property
    def _firsts(self) -> dict[str, Affine | None]:
        return {}

    @cached_property
    def late(self) -> frozenset[str]:
        """The tensors that may start small and reach Theta(1) by training: narrow layers and what follows.

        A map whose fan-out grows slower than its fan-in passes changes on coherently, like a readout, so it
        must start smaller than Theta(1); what it feeds starts small as well, up to the next norm.
        """
        found: set[str] = set()
        for node in self.architecture.order:
            tensors = self.architecture.tensors_of(node)
            if node.op in ("norm", "stack", "stream", "parameter", "data", "loss"):
                continue
            if node.op == "mix":
                late = tensors[0] in found
            elif node.op == "add":
                late = all(name in found for name in tensors)
            else:
                late = any(name in found for name in tensors) or self._starts_small(node)
            if late:
                found.add(node.name)
        return frozenset(found)

    @cached_property
    def starts_small(self) -> bool:
        """Whether some features that weights make start smaller than they get."""
        graph = self.architecture
        return any(graph.by_name[name].op in MATRICES for name in self.late - graph.logits)

    def _starts_small(self, node: Node) -> bool:
        if node.op in ("score", "mixture"):
            return self.exponent(node.shape[-1]) > 0
        parameter = self.architecture.parameter_of(node)
        if parameter is None:
            return False
        kappa_in, kappa_out = self.fans(node)
        narrow = kappa_out < kappa_in and self.moves[node.inputs[0]]
        return node.op in MATRICES and (narrow or parameter.starts_at_zero)

    def factor(self, name: str) -> Affine | None:
        """Return the exponent of the multiplier that alone takes a tensor, biases apart, or None."""
        users = self.architecture.users_of(name)
        while len(users) == 1 and users[0].op == "bias":
            users = self.architecture.users_of(users[0].name)
        if len(users) == 1 and users[0].op == "multiplier":
            return -unknown("m", users[0].name)
        return None

    def lift(self, name: str) -> Affine:
        """Return by which exponent a change of a tensor grows on its way to the stream.

        A branch multiplies by L^-m, and L blocks add up coherently; a mixture multiplies by k^-m and adds up
        over k experts. 0 elsewhere.
        """
        return self._lifts[name]

    @cached_property
    def _lifts(self) -> dict[str, Affine]:
        found: dict[str, Affine] = {}
        for node in reversed(self.architecture.order):
            users = self.architecture.users_of(node.name)
            onward = next((user for user in users if user.op in ("add", "stack")), None)
            user = onward or next((user for user in users if user.op != "loss"), None)
            found[node.name] = Affine() if user is None else self._through(user, found)
        return found

    def _through(self, user: Node, found: Mapping[str, Affine]) -> Affine:
        if user.op == "stream":
            return Affine()
        if user.op in MATRICES and user.name in self.architecture.logits:
            return Affine()
        if user.op == "stack":
            return Affine.number(self.blocks(self.architecture.block_of[user.inputs[0]]))
        if user.op == "branch":
            return found[user.name] - unknown("m", user.name)
        if user.op == "mixture":
            return found[user.name] - unknown("m", user.name) + self.exponent(user.shape[1])
        return found[user.name]
