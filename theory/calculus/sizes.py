"""The sizes of one network on one axis: what the rules read and write."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from scalewright.theory.calculus.optimizers import Optimizer
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.graph.nodes import Node
from scalewright.theory.solver.affine import Affine, Max, Term
from scalewright.theory.solver.system import Constraint, Definition

HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Alignment:
    r"""How a sum over the fan-in adds up, as an exponent of the fan-in: 1 aligned, 1/2 independent.

    `update` is for $(W_t - W_0) x_0$, `joint` for $(W_t - W_0)\Delta x$, `narrow` for $W_0 \Delta x$ where
    $W_0$ maps to a fixed number of outputs (the readout: $\Delta x$ was made through its own rows, so it is
    aligned), `wide` for $W_0 \Delta x$ in square and widening maps. The default follows Yang and Hu (2021)
    and Haas et al. (2025); Everett et al. (2024) take `narrow = 1/2` ("full alignment") or 1/2 everywhere
    ("no alignment").
    """

    update: Fraction = Fraction(1)
    joint: Fraction = Fraction(1)
    narrow: Fraction = Fraction(1)
    wide: Fraction = HALF

    def propagating(self, kappa_in: Fraction, kappa_out: Fraction) -> Fraction:
        r"""Return the alignment of $W_0 \Delta x$; fan-in $N^{\kappa_{in}}$, fan-out $N^{\kappa_{out}}$.

        $\Delta x \propto W_0^\top g$ is a sum over the fan-out, of which the own row is a share
        $N^{-\kappa_{out}/2}$; only that share adds up coherently: $\max(1/2, 1 - \kappa_{out} /
        2\kappa_{in})$.
        """
        if not kappa_in:
            return self.wide
        return max(self.wide, self.narrow - (self.narrow - HALF) * kappa_out / kappa_in)


def unknown(symbol: str, name: str) -> Affine:
    """Return the unknown that the proofs print as symbol[name]."""
    return Affine.unknown(f"{symbol}[{name}]")


@dataclass
class Sizes:
    """All sizes of one network on one axis, as affine forms in the exponents a, b, c, e of its parameters."""

    architecture: Architecture
    optimizer: Optimizer
    axis: str
    alignment: Alignment
    forward: dict[str, Affine] = field(default_factory=dict)
    gradient: dict[str, Affine] = field(default_factory=dict)
    change: dict[str, Affine | None] = field(default_factory=dict)
    raw_gradient: dict[str, Affine] = field(default_factory=dict)
    update: dict[str, Affine] = field(default_factory=dict)
    effective: dict[str, Term] = field(default_factory=dict)
    propagating: dict[str, Term] = field(default_factory=dict)
    changes: dict[str, Max] = field(default_factory=dict)
    definitions: list[Definition] = field(default_factory=list)
    conditions: list[Constraint] = field(default_factory=list)

    def grows(self, parameter: Node) -> tuple[Fraction, Fraction]:
        """Return the exponents of fan-in and fan-out on the axis."""
        sizes = self.architecture
        return sizes.fan_in(parameter).exponent(self.axis), sizes.fan_out(parameter).exponent(self.axis)

    def define(self, symbol: str, name: str, maximum: Max) -> Affine:
        """Return a form equal to the maximum: the term itself if it's short, a new unknown otherwise."""
        if len(maximum.terms) == 1:
            value = maximum.terms[0].value
            if value.is_constant or (not value.constant and list(value.coefficients.values()) == [1]):
                return value
        self.definitions.append(Definition(f"{symbol}[{name}]", maximum))
        return unknown(symbol, name)

    def parameter(self, node: Node) -> str:
        """Return the name of the parameter that the operation takes."""
        found = self.architecture.parameter_of(node)
        assert found is not None
        return found.name


@dataclass(frozen=True)
class Rule:
    """What an operation does to sizes. `backward` returns what it passes to each tensor that it takes."""

    forward: Callable[[Sizes, Node], Max]
    backward: Callable[[Sizes, Node], dict[str, Max]]
    change: Callable[[Sizes, Node], Max]
