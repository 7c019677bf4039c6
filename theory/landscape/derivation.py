"""Carry a derivation: ordered steps, each with its reason, and each re-checked on demand."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from sympy import Basic, Eq, Expr, ImmutableMatrix, MatrixSymbol, Rational, Symbol, expand, latex, simplify
from sympy.matrices import MatrixBase

from scalewright.theory.landscape.matrices import explicit, random_rational

Method = Literal["symbolic", "rational", "definition"]


@dataclass(frozen=True)
class Step:
    """One line of a derivation.

    `expression` is an unevaluated equation when `identity` is true (both sides are then compared by
    `Derivation.verify`); otherwise it is a definition or a choice, which has nothing to check.
    """

    statement: str
    expression: Basic
    reason: str
    identity: bool = True


@dataclass(frozen=True)
class Check:
    """Whether one step held when it was computed again, and how that was decided.

    `symbolic`: the difference of the two sides simplifies to zero. `rational`: it is exactly zero at random
    rational entries (a polynomial identity that fails does so at almost every point). `definition`: nothing
    to check.
    """

    statement: str
    method: Method
    holds: bool


@dataclass(frozen=True)
class Derivation:
    """Ordered steps that end in a result, with what its symbols stand for.

    `definitions` are put into every step before it is checked, the later ones first, so that a later
    definition may use an earlier one. `sizes` are the integers that stand for symbolic sizes in the check.
    """

    title: str
    steps: tuple[Step, ...]
    definitions: tuple[tuple[Basic, Basic], ...] = ()
    sizes: tuple[tuple[Symbol, int], ...] = ()

    @property
    def result(self) -> Basic:
        """The expression of the last step."""
        return self.steps[-1].expression

    def verify(self, *, trials: int = 2, seed: int = 0) -> tuple[Check, ...]:
        """Compute every identity again and say whether it holds.

        Scalar identities are first tried symbolically; those with symbolic matrices are evaluated exactly, in
        rational arithmetic, at `trials` random points drawn from `seed`. Cost: milliseconds to a second a
        step.
        """
        random = Random(seed)
        return tuple(_check(step, self, trials, random) for step in self.steps)

    @property
    def holds(self) -> bool:
        """Whether every step passes `verify` with its default arguments."""
        return all(check.holds for check in self.verify())

    def to_markdown(self) -> str:
        """Return the derivation as markdown: numbered statements, formulas in dollars, reasons."""
        lines = [f"### {self.title}", ""]
        for number, step in enumerate(self.steps, 1):
            lines += [
                f"{number}. {step.statement}",
                "",
                f"   $${latex(step.expression)}$$",
                "",
                f"   *{step.reason}*",
                "",
            ]
        return "\n".join(lines)

    def to_latex(self) -> str:
        """Return the derivation as a LaTeX enumerate environment under a paragraph heading."""
        items = (f"\\item {s.statement}\n\\[{latex(s.expression)}\\]\n{s.reason}" for s in self.steps)
        return (
            f"\\paragraph{{{self.title}}}\n\\begin{{enumerate}}\n" + "\n".join(items) + "\n\\end{enumerate}"
        )


def identity(statement: str, left: Basic, right: Basic, reason: str) -> Step:
    """Return the step `left = right`, kept unevaluated so that it can be checked again."""
    return Step(statement, Eq(left, right, evaluate=False), reason)


def definition(statement: str, left: Basic, right: Basic, reason: str) -> Step:
    """Return the step that names `left` as `right`."""
    return Step(statement, Eq(left, right, evaluate=False), reason, identity=False)


def _check(step: Step, derivation: Derivation, trials: int, random: Random) -> Check:
    if not step.identity:
        return Check(step.statement, "definition", True)
    sides = [_unfold(side, derivation) for side in step.expression.args]
    if all(isinstance(side, Expr) for side in sides) and not any(side.atoms(MatrixSymbol) for side in sides):
        difference = sides[0].doit() - sides[1].doit()
        if expand(difference) == 0 or simplify(difference) == 0:
            return Check(step.statement, "symbolic", True)
    holds = all(_vanishes(sides, random) for _ in range(trials))
    return Check(step.statement, "rational", holds)


def _unfold(side: Basic, derivation: Derivation) -> Basic:
    for name, value in reversed(derivation.definitions):
        side = side.xreplace({name: value})
    return side.xreplace({symbol: Rational(size) for symbol, size in derivation.sizes})


def _vanishes(sides: list[Basic], random: Random) -> bool:
    values = _random_values(sides, random)
    left, right = (explicit(side, values) for side in sides)
    difference: Any = left - right
    entries = list(difference) if isinstance(difference, MatrixBase) else [difference]
    return all(_is_zero(entry) for entry in entries)


def _is_zero(entry: Expr) -> bool:
    entry = expand(entry.doit())
    return bool(entry == 0 or simplify(entry) == 0 or entry.equals(0))


def _random_values(sides: list[Basic], random: Random) -> Mapping[Basic, Basic]:
    symbols = set().union(*(side.atoms(Symbol, MatrixSymbol) for side in sides))
    return {symbol: _random_value(symbol, random) for symbol in sorted(symbols, key=str)}


def _random_value(symbol: Basic, random: Random) -> Basic:
    if isinstance(symbol, MatrixSymbol):
        rows, columns = (int(size) for size in symbol.shape)
        return ImmutableMatrix(rows, columns, lambda i, j: random_rational(random))
    if symbol.is_integer:
        return Rational(random.randint(2, 6))
    return random_rational(random, positive=bool(symbol.is_positive))
