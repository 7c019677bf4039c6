"""Name the symbols of the derivations, once: sizes, scales, rates, and the matrices of two-layer networks."""

from sympy import Identity, MatrixExpr, MatrixSymbol, Symbol, ZeroMatrix
from sympy.matrices.expressions.blockmatrix import BlockMatrix

INPUTS = Symbol("D", integer=True, positive=True)
OUTPUTS = Symbol("K", integer=True, positive=True)
WIDTH = Symbol("N", integer=True, positive=True)
SAMPLES = Symbol("P", integer=True, positive=True)
LAYERS = Symbol("L", integer=True, positive=True)
"""Number of weight layers. Written L only inside formulas; every argument is called `layers`."""

SCALE = Symbol("c", positive=True)
RATE_1 = Symbol("eta_1", positive=True)
RATE_2 = Symbol("eta_2", positive=True)
GAMMA = Symbol("gamma_0", positive=True)
BASE_RATE = Symbol("eta_0", positive=True)
STRENGTH = Symbol("s", positive=True)
"""Strength of the learned mode: w = s w*/|w*| (two layers), s = a^L (any number of layers)."""
TARGET = Symbol("b", positive=True)
"""Strength of the target mode: |w*|."""

X = MatrixSymbol("X", SAMPLES, INPUTS)
Y = MatrixSymbol("Y", SAMPLES, OUTPUTS)
E = MatrixSymbol("E", INPUTS, WIDTH)
V = MatrixSymbol("V", OUTPUTS, WIDTH)
D_E = MatrixSymbol("dE", INPUTS, WIDTH)
D_V = MatrixSymbol("dV", OUTPUTS, WIDTH)
Q_R = MatrixSymbol("Q_r", INPUTS, OUTPUTS)
SIGMA = MatrixSymbol("Sigma", INPUTS, INPUTS)


def swap_symbol(block: MatrixExpr) -> BlockMatrix:
    """Return [[0, B], [B^T, 0]] for a symbolic D x K block."""
    rows, columns = block.shape
    return BlockMatrix([[ZeroMatrix(rows, rows), block], [block.T, ZeroMatrix(columns, columns)]])


def stack(top: MatrixExpr, bottom: MatrixExpr) -> BlockMatrix:
    """Return [top; bottom]."""
    return BlockMatrix([[top], [bottom]])


def diagonal(first: object, second: object) -> BlockMatrix:
    """Return diag(first I_D, second I_K)."""
    return BlockMatrix(
        [
            [first * Identity(INPUTS), ZeroMatrix(INPUTS, OUTPUTS)],
            [ZeroMatrix(OUTPUTS, INPUTS), second * Identity(OUTPUTS)],
        ]
    )
