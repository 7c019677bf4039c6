"""Accept exact matrices, and replace symbolic matrices by explicit ones."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce
from operator import add, mul
from typing import Any

from sympy import (
    Basic,
    Determinant,
    Float,
    Identity,
    ImmutableMatrix,
    Inverse,
    KroneckerProduct,
    MatAdd,
    MatMul,
    MatPow,
    MatrixSymbol,
    Rational,
    Trace,
    Transpose,
    ZeroMatrix,
    eye,
    kronecker_product,
    sympify,
    zeros,
)
from sympy.matrices import MatrixBase
from sympy.matrices.expressions.blockmatrix import BlockMatrix


def exact(value: Any, *, name: str, function: str) -> ImmutableMatrix:
    """Return `value` as an immutable matrix with exact entries.

    Raises TypeError when an entry is a float, and shows the rational to write instead.
    """
    matrix = ImmutableMatrix(value)
    for entry in matrix:
        refuse_float(entry, name=name, function=function)
    return matrix


def refuse_float(value: Any, *, name: str, function: str) -> Basic:
    """Return `value` as an exact sympy expression; TypeError for a float, with the rational to write."""
    expression = sympify(value)
    floats = sorted(expression.atoms(Float), key=str)
    if floats:
        rational = Fraction(str(float(floats[0]))).limit_denominator(10**6)
        raise TypeError(
            f"{function}: {name} must be exact (integers, Fractions, sympy expressions); given the float "
            f"{float(floats[0])}; write Rational({rational.numerator}, {rational.denominator}) instead"
        )
    return expression


def block_diagonal(*blocks: MatrixBase) -> ImmutableMatrix:
    """Return the block-diagonal matrix of `blocks`."""
    size, at = sum(block.rows for block in blocks), 0
    out = zeros(size, size)
    for block in blocks:
        out[at : at + block.rows, at : at + block.cols] = block
        at += block.rows
    return ImmutableMatrix(out)


def commutation(rows: int, columns: int) -> ImmutableMatrix:
    """Return the permutation T with T vec(A) = vec(A^T) for a rows x columns A, vec stacking columns."""
    out = zeros(rows * columns, rows * columns)
    for i in range(rows):
        for j in range(columns):
            out[i * columns + j, j * rows + i] = 1
    return ImmutableMatrix(out)


def explicit(expression: Basic, values: Mapping[Basic, Basic]) -> Any:
    """Evaluate `expression` with each symbol and each matrix symbol of `values` put in.

    Works inside traces, determinants, block matrices and Kronecker products, where sympy's own `doit` stops;
    symbols that `values` does not name stay symbolic. Sizes must have become integers.
    """
    expression = values.get(expression, expression)
    if isinstance(expression, MatrixBase):
        return ImmutableMatrix(expression.applyfunc(lambda entry: explicit(entry, values)))
    if isinstance(expression, MatrixSymbol):
        return ImmutableMatrix(expression.as_explicit())
    if isinstance(expression, BlockMatrix):
        return _assemble(expression, values)
    if not expression.args:
        return expression
    arguments = [explicit(argument, values) for argument in expression.args]
    for kind, rule in _RULES:
        if isinstance(expression, kind):
            return rule(arguments)
    return expression.func(*arguments)


def _assemble(block_matrix: BlockMatrix, values: Mapping[Basic, Basic]) -> ImmutableMatrix:
    blocks = block_matrix.blocks
    rows = [
        reduce(
            lambda left, right: left.row_join(right),
            (explicit(blocks[i, j], values) for j in range(blocks.cols)),
        )
        for i in range(blocks.rows)
    ]
    return ImmutableMatrix(reduce(lambda top, bottom: top.col_join(bottom), rows))


_RULES: tuple[tuple[type, Callable[[list[Any]], Any]], ...] = (
    (MatMul, lambda a: reduce(mul, a)),
    (MatAdd, lambda a: reduce(add, a)),
    (Transpose, lambda a: a[0].T),
    (Inverse, lambda a: a[0].inv()),
    (MatPow, lambda a: a[0] ** a[1]),
    (Identity, lambda a: ImmutableMatrix(eye(int(a[0])))),
    (ZeroMatrix, lambda a: ImmutableMatrix(zeros(int(a[0]), int(a[1])))),
    (KroneckerProduct, lambda a: ImmutableMatrix(kronecker_product(*a))),
    (Trace, lambda a: a[0].trace()),
    (Determinant, lambda a: a[0].det()),
)


def random_rational(random: Any, *, positive: bool = False) -> Rational:
    """Return a random rational p/q with |p| <= 29 and q <= 7, positive on request, never zero."""
    sign = 1 if positive else random.choice((-1, 1))
    return Rational(sign * random.randint(1, 29), random.randint(1, 7))
