r"""How large a step an optimizer takes, as an exponent of the size of the gradient that it sees.

A weight enters as $W = n^{-a} w$ and moves by $\Delta w = n^{-c}\,\mathrm{step}$, so
$\sigma(\Delta W) = -a - c + \sigma(\mathrm{step})$, where $\sigma(x)$ is the exponent of the size of x. An
optimizer divides the gradient g by a power of its own size, $\mathrm{step} = g / \max(|g|, \epsilon)^{1-h}$:
h = 1 for SGD, 0 for Adam, sign descent and Muon, 1 - 4p for Shampoo with exponent p on each side.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from scalewright.theory.errors import ScalingError
from scalewright.theory.power import Exponent, exact

if TYPE_CHECKING:
    from scalewright.theory.graph.architecture import Architecture
    from scalewright.theory.graph.nodes import Node

ZERO, ONE = Fraction(0), Fraction(1)


@dataclass(frozen=True)
class Optimizer:
    r"""An optimizer as the calculus sees it.

    `rule` says in words how it steps, for the proofs. `degree` is h above. A `spectral` optimizer acts on the
    singular values of a matrix, so that its size is an operator norm; others act on entries. `eps_degree`
    says in which power of the gradient epsilon is measured (0: there is none). `relative` steps are
    multiplied by the size of the weight. `decay` is "coupled" where the weight shrinks by rate times decay,
    "independent" where by the decay alone. `momentum` is m in $1 - \beta \sim N^{-m}$ of an undamped average,
    which multiplies the step by $N^m$.
    """

    name: str
    rule: str
    degree: Fraction
    spectral: bool = False
    eps_degree: int = 0
    relative: bool = False
    decay: Literal["", "coupled", "independent"] = ""
    momentum: Fraction = ZERO

    @property
    def has_eps(self) -> bool:
        """Whether there is an epsilon."""
        return self.eps_degree > 0

    @property
    def has_decay(self) -> bool:
        """Whether there is a weight decay."""
        return bool(self.decay)

    @property
    def rate_gauge(self) -> Fraction:
        r"""The k in the symmetry $a + \theta,\ b - \theta,\ c - k\theta$ that leaves training unchanged."""
        return self.degree if self.relative else 1 + self.degree

    @property
    def gamma(self) -> Fraction:
        """The power of gamma in the rate of a unit-variance weight, 1 + h: 2 for SGD, 1 for Adam."""
        return 1 + self.degree


def _known() -> dict[str, Optimizer]:
    adam = Optimizer("adam", "Adam divides the gradient by its own size", ZERO, eps_degree=1)
    heavy = Optimizer("momentum", "heavy-ball momentum averages gradients", ONE)
    return {
        optimizer.name: optimizer
        for optimizer in (
            Optimizer("sgd", "SGD steps by the gradient", ONE),
            Optimizer("sgd-l2", "SGD steps by the gradient", ONE, decay="coupled"),
            heavy,
            replace(heavy, name="nesterov", rule="Nesterov momentum averages gradients"),
            adam,
            replace(adam, name="adamw", decay="coupled"),
            replace(adam, name="adamw-independent", decay="independent"),
            Optimizer("sign", "sign descent steps by +-1 per entry", ZERO),
            Optimizer("lion", "Lion steps by +-1 per entry", ZERO, decay="coupled"),
            Optimizer(
                "adafactor", "Adafactor steps relative to the weight", ZERO, eps_degree=2, relative=True
            ),
            Optimizer("muon", "Muon makes all singular values 1", ZERO, spectral=True, decay="coupled"),
            Optimizer(
                "shampoo", "Shampoo divides by roots of second moments", ZERO, spectral=True, eps_degree=2
            ),
        )
    }


OPTIMIZERS: Mapping[str, Optimizer] = _known()


def momentum(power: Exponent, *, nesterov: bool = False) -> Optimizer:
    """Return heavy-ball or Nesterov momentum whose 1 - beta falls as N^-power.

    The average is undamped (v <- beta v + g), so its steady size is g / (1 - beta).
    Raises TypeError on a float.

    >>> momentum("1/2").name
    'momentum(1/2)'
    """
    value = exact(power, "momentum: power")
    kind = "nesterov" if nesterov else "momentum"
    return replace(OPTIMIZERS[kind], name=f"{kind}({value})" if value else kind, momentum=value)


def shampoo(power: Exponent = "1/4") -> Optimizer:
    """Return Shampoo that multiplies by the second moments of both sides to the power -p; 1/4 is Muon's step.

    Raises TypeError on a float.

    >>> shampoo("1/2").degree
    Fraction(-1, 1)
    """
    value = exact(power, "shampoo: power")
    name = "shampoo" if value == Fraction(1, 4) else f"shampoo({value})"
    return replace(OPTIMIZERS["shampoo"], name=name, degree=1 - 4 * value)


_WITH_POWER = re.compile(r"(momentum|nesterov|shampoo)\((-?\d+(?:/\d+)?)\)$")


def optimizer_named(name: object, caller: str) -> Optimizer:
    """Return the optimizer called `name`, such as "adamw" or "shampoo(1/2)"; ScalingError otherwise."""
    if isinstance(name, Optimizer):
        return name
    if isinstance(name, str):
        if name in OPTIMIZERS:
            return OPTIMIZERS[name]
        found = _WITH_POWER.match(name)
        if found is not None:
            kind, power = found.groups()
            return shampoo(power) if kind == "shampoo" else momentum(power, nesterov=kind == "nesterov")
    raise ScalingError(f"{caller}: optimizer must be one of {', '.join(OPTIMIZERS)}; given {name!r}")


@dataclass(frozen=True)
class Assignment:
    """Which optimizer moves which parameter: the first rule that fits, in order.

    A rule is "hidden" (weights of linear maps between features), "rest", or a pattern of parameter names such
    as "blocks.*.weight".
    """

    rules: tuple[tuple[str, Optimizer], ...]

    @property
    def name(self) -> str:
        """The optimizers in order, joined by +."""
        return "+".join(dict.fromkeys(optimizer.name for _, optimizer in self.rules))

    def of(self, architecture: "Architecture", parameter: "Node") -> Optimizer:
        """Return the optimizer of one parameter; ScalingError if no rule fits it."""
        for pattern, optimizer in self.rules:
            if pattern == "rest" or (pattern == "hidden" and is_hidden(architecture, parameter)):
                return optimizer
            if fnmatchcase(parameter.name, pattern):
                return optimizer
        raise ScalingError(
            f"derive: optimizer must name a rule for every parameter; none fits {parameter.name!r}: "
            'add the rule "rest"'
        )


def is_hidden(architecture: "Architecture", parameter: "Node") -> bool:
    """Whether a parameter is the matrix of a linear map from features to features, the kind Muon is for."""
    users = architecture.users_of(parameter.name)
    return len(parameter.shape) == 2 and all(
        node.op in ("linear", "convolution")
        and node.name not in architecture.logits
        and architecture.by_name[node.inputs[0]].op != "data"
        for node in users
    )


def assignment(optimizer: object, caller: str) -> Assignment:
    """Return what an `optimizer` argument means.

    A name, an Optimizer, two names joined by + ("muon+adamw": hidden matrices, and the rest), or a mapping
    from rules to names or Optimizers. Raises ScalingError, in the name of `caller`, for anything else.
    """
    if isinstance(optimizer, Assignment):
        return optimizer
    if isinstance(optimizer, Mapping):
        rules = tuple((str(key), optimizer_named(value, caller)) for key, value in optimizer.items())
        if not rules:
            raise ScalingError(f"{caller}: optimizer must name at least one rule; given none")
        return Assignment(rules)
    if isinstance(optimizer, str) and optimizer.count("+") == 1:
        hidden, rest = optimizer.split("+")
        return Assignment(
            (("hidden", optimizer_named(hidden, caller)), ("rest", optimizer_named(rest, caller)))
        )
    return Assignment((("rest", optimizer_named(optimizer, caller)),))
