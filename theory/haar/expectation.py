"""Read sympy expressions in a random matrix, and take their expectation term by term."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sympy import (
    Add,
    Adjoint,
    Expr,
    Identity,
    Integer,
    Inverse,
    MatAdd,
    MatMul,
    MatPow,
    MatrixExpr,
    MatrixSymbol,
    Mul,
    Pow,
    Trace,
    Transpose,
    conjugate,
    expand,
    factor,
    sympify,
)
from sympy.matrices.expressions.matexpr import MatrixElement

from scalewright.theory.haar.ensembles import Ensemble, ensemble_of
from scalewright.theory.haar.entries import Entry, moment
from scalewright.theory.haar.groups import dimension_of
from scalewright.theory.haar.traces import Factor, Word, trace_moment


@dataclass(frozen=True)
class Reader:
    """What is needed to read an expression: the random matrix and its ensemble."""

    random: MatrixSymbol
    ensemble: Ensemble

    def words(self, expression: Expr) -> Iterator[tuple[Expr, Word]]:
        """Yield the terms of a matrix expression, each a coefficient and a product of symbols."""
        if isinstance(expression, MatrixSymbol):
            yield Integer(1), (Factor(expression),)
        elif isinstance(expression, Identity):
            yield Integer(1), ()
        elif isinstance(expression, MatAdd):
            for term in expression.args:
                yield from self.words(term)
        elif isinstance(expression, MatMul):
            yield from self._multiplied(expression.args)
        elif isinstance(expression, MatPow) and expression.exp.is_Integer and expression.exp > 0:
            yield from self._multiplied([expression.base] * int(expression.exp))
        elif isinstance(expression, Transpose | Adjoint | conjugate | Inverse):
            for coefficient, word in self.words(expression.args[0]):
                yield self._turned(expression, coefficient, word)
        else:
            raise self._refused(expression)

    def _multiplied(self, parts: Iterable[Expr]) -> Iterator[tuple[Expr, Word]]:
        terms: list[tuple[Expr, Word]] = [(Integer(1), ())]
        for part in parts:
            read = [*self.words(part)] if isinstance(part, MatrixExpr) else [(part, ())]
            terms = [(a * b, left + right) for a, left in terms for b, right in read]
        yield from terms

    def _turned(self, expression: Expr, coefficient: Expr, word: Word) -> tuple[Expr, Word]:
        if isinstance(expression, Transpose):
            return coefficient, tuple(f.flipped() for f in reversed(word))
        if isinstance(expression, Adjoint):
            return conjugate(coefficient), tuple(self._conjugated(f.flipped()) for f in reversed(word))
        if isinstance(expression, conjugate):
            return conjugate(coefficient), tuple(self._conjugated(f) for f in word)
        if isinstance(expression, Inverse) and self.ensemble.group and word == (Factor(self.random),):
            return coefficient, (self._conjugated(word[0].flipped()),)
        raise self._refused(expression)

    def _refused(self, expression: Expr) -> ValueError:
        return ValueError(
            "expectation: a trace must hold sums, products and positive powers of matrix symbols, their "
            f"transposes, adjoints and conjugates; given {expression}"
        )

    def _conjugated(self, f: Factor) -> Factor:
        real = f.symbol == self.random and not self.ensemble.complex
        return Factor(f.symbol, f.transposed, f.conjugated != (not real))


def expectation(
    expression: Any,
    matrix: MatrixSymbol,
    *,
    ensemble: str = "orthogonal",
    symmetric: Iterable[MatrixSymbol] = (),
) -> Expr:
    """Return E of a polynomial in traces of words in a random matrix W, or in its entries, exactly.

    Args:
        expression: a sympy expression: sums, products and powers of Trace(A*W*B*W.T), ..., with other matrix
            symbols fixed, or of entries W[i, j], counted from 0 as sympy does; coefficients may be symbols.
        matrix: W, a square MatrixSymbol of integer or symbolic size n.
        ensemble: as in `moment`. Traces are not taken for "symplectic".
        symmetric: fixed matrices that equal their transposes.

    Returns traces of the fixed matrices times rational functions of n; valid as in `moment`.

    Raises:
        ValueError: W not square, traces and entries in one term, more than a million pairs of pairings.

    Cost: see `moment` for entries, `traces.trace_moment` for traces.

    >>> from sympy import MatrixSymbol, Trace, symbols
    >>> n = symbols("n", integer=True, positive=True)
    >>> A, B, W = (MatrixSymbol(name, n, n) for name in "ABW")
    >>> expectation(Trace(A * W * B * W.T), W)
    Trace(A)*Trace(B)/n
    >>> expectation(W[0, 0] ** 2 * W[1, 1] ** 2, W)
    (n + 1)/(n*(n - 1)*(n + 2))
    """
    kind = ensemble_of(ensemble, "expectation")
    if not isinstance(matrix, MatrixSymbol) or matrix.rows != matrix.cols:
        raise ValueError(f"expectation: matrix must be a square MatrixSymbol; given {matrix!r}")
    n = dimension_of(matrix.rows, "expectation", even=kind.signed)
    reader = Reader(matrix, kind)
    terms = Add.make_args(expand(sympify(expression)))
    return _collected([_term(term, reader, n, frozenset(symmetric)) for term in terms])


def _collected(terms: Iterable[Expr]) -> Expr:
    """Add terms, the coefficients of equal products of traces brought over one denominator."""
    out: dict[Expr, Expr] = {}
    for term in Add.make_args(expand(Add(*terms), deep=False)):
        for part in Add.make_args(term):
            plain, traces = part.as_independent(Trace)
            out[traces] = out.get(traces, Integer(0)) + plain
    return Add(*(factor(coefficient) * traces for traces, coefficient in out.items()))


def _term(term: Expr, reader: Reader, n: Expr, symmetric: frozenset[MatrixSymbol]) -> Expr:
    """Return E of one product."""
    coefficient, traces, plain, starred = _sorted(term, reader)
    if traces and (plain or starred):
        raise ValueError(
            "expectation: traces and entries of the random matrix can't stand in one product; write the "
            "entry W[i, j] as Trace(E * W) with a fixed matrix E"
        )
    if not traces:
        return coefficient * moment(plain, n, conjugates=starred, ensemble=reader.ensemble.name)
    if reader.ensemble.signed:
        raise ValueError("expectation: traces are not taken for 'symplectic'; give entries")
    total: Expr = Integer(0)
    for weight, words in _distributed(traces, reader):
        total += weight * trace_moment(words, reader.random, n, reader.ensemble, symmetric)
    return coefficient * total


def _sorted(term: Expr, reader: Reader) -> tuple[Expr, list[Expr], list[Entry], list[Entry]]:
    """Return the coefficient of a product, its traces with W, its entries, and its conjugated entries."""
    coefficient: Expr = Integer(1)
    traces: list[Expr] = []
    plain: list[Entry] = []
    starred: list[Entry] = []
    for item in Mul.make_args(term):
        base, power = item.as_base_exp() if isinstance(item, Pow) else (item, Integer(1))
        if not base.has(reader.random):
            coefficient *= item
            continue
        if not (power.is_Integer and power > 0):
            raise ValueError(f"expectation: powers must be positive integers; given {item}")
        element = base.args[0] if isinstance(base, conjugate) else base
        if isinstance(base, Trace):
            traces += [base] * int(power)
        elif isinstance(element, MatrixElement) and element.args[0] == reader.random:
            conjugated = element is not base and reader.ensemble.complex
            (starred if conjugated else plain).extend([_entry(element)] * int(power))
        else:
            raise ValueError(
                f"expectation: {base} is neither a trace nor an entry of {reader.random.name}; give a "
                "polynomial in these"
            )
    return coefficient, traces, plain, starred


def _entry(element: MatrixElement) -> Entry:
    row, column = element.args[1:]
    if not (row.is_Integer and column.is_Integer):
        raise ValueError(
            f"expectation: indices must be integers; given {element}; take a trace for sums over indices"
        )
    return int(row) + 1, int(column) + 1


def _distributed(traces: list[Expr], reader: Reader) -> list[tuple[Expr, list[Word]]]:
    """Return the terms of a product of traces of sums."""
    terms: list[tuple[Expr, list[Word]]] = [(Integer(1), [])]
    for trace in traces:
        read = [*reader.words(trace.arg)]
        terms = [(a * b, [*words, word]) for a, words in terms for b, word in read]
    return terms
