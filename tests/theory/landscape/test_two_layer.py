"""The two-layer theorems against independent computations on explicit tiny networks.

Oracle: sympy differentiates the written-out loss entry by entry, and knows nothing of Gram matrices,
Kronecker blocks or the lifted operator. All comparisons are exact, but one of largest eigenvalues in float64.
"""

from random import Random

import numpy as np
import pytest
from sympy import Matrix, Poly, Rational, Symbol, cancel, diag, diff, expand, eye, hessian, symbols, zeros

from scalewright.theory.landscape import TwoLayer, bulk_polynomial, lifted_hessian, lifted_operator
from scalewright.theory.landscape.two_layer import rate_matrix, swap

Z = Symbol("z")


def _random(random, rows, columns):
    return Matrix(rows, columns, lambda i, j: Rational(random.randint(-9, 9), random.randint(1, 3)))


def _network(inputs, outputs, width, rates=(1, 1), samples=3, seed=0):
    random = Random(seed)
    shapes = ((samples, inputs), (samples, outputs), (inputs, width), (outputs, width))
    return TwoLayer(*(_random(random, *shape) for shape in shapes), scale=Rational(1, 3), rates=rates)


def _lifted(network):
    return lifted_operator(
        network.gram,
        network.residual,
        network.covariance,
        scale=network.scale,
        width=network.width,
        rates=network.rates,
    )


def _differentiated(network):
    """Gradient and Hessian of the written-out loss, by sympy, rescaled by the rates."""
    inputs, outputs, width = network.first.rows, network.second.rows, network.width
    names = symbols(f"z:{(inputs + outputs) * width}", real=True)
    units = Matrix(inputs + outputs, width, names)
    error = network.scale * network.inputs * units[:inputs, :] * units[inputs:, :].T - network.targets
    loss = expand(sum(entry**2 for entry in error) / (2 * network.inputs.rows))
    point = dict(zip(names, network.units, strict=True))
    root = diag(*(network.rates[0 if i < inputs * width else 1] ** Rational(1, 2) for i in range(len(names))))
    gradient = Matrix([diff(loss, name) for name in names]).subs(point)
    return gradient, root * hessian(loss, names).subs(point) * root


@pytest.mark.parametrize(("inputs", "outputs", "width", "rates"), [(2, 2, 3, (1, 1)), (2, 1, 4, (4, 9))])
def test_gradient_and_hessian_are_the_derivatives_of_the_loss(inputs, outputs, width, rates):
    """Oracle: entry by entry. Control: G without R is not the Hessian."""
    network = _network(inputs, outputs, width, rates)
    gradient, dense = _differentiated(network)
    assert Matrix(list(network.gradient)) == gradient
    assert Matrix(network.hessian()) == dense
    assert Matrix(network.gauss_newton()) != dense


def test_the_kernel_formula_is_the_jacobian_product():
    """Identity: c^2 N [eta_1 X X^T (x) v + eta_2 X A X^T (x) I] = J Lambda J^T. Control: rates exchanged."""
    network = _network(2, 2, 3, (4, 9))
    jacobian = network.jacobian()
    assert network.ntk() == jacobian * jacobian.T
    exchanged = TwoLayer(
        network.inputs, network.targets, network.first, network.second, network.scale, network.rates[::-1]
    )
    assert exchanged.ntk() != jacobian * jacobian.T


def test_one_step_closes_on_the_gram_matrix():
    """Identity: M' = B M B^T for two unequal rates. Control: one rate for both does not give M'."""
    network, rate = _network(2, 2, 3, (2, 5)), Rational(1, 7)
    after = network.step(rate).gram

    def predicted(rates):
        change = eye(4) - rate * network.scale * rate_matrix((2, 2), rates) * swap(network.residual)
        return change * network.gram * change.T

    assert after == predicted((2, 5))
    assert after != predicted((2, 2))


def test_the_flow_conserves_the_weighted_balance_only():
    """Identity: eta_2 E^T E - eta_1 V^T V has no first-order change. Control: E^T E - V^T V has one."""
    network, h = _network(2, 2, 3, (2, 5)), Symbol("h")
    after = network.step(h)

    def speed(one, two):
        def balance(state):
            return one * state.first.T * state.first - two * state.second.T * state.second

        return (balance(after) - balance(network)).applyfunc(lambda entry: expand(entry).coeff(h, 1))

    assert speed(5, 2) == zeros(3, 3)
    assert speed(1, 1) != zeros(3, 3)


CASES = [(2, 2, 5, (1, 1)), (2, 1, 4, (1, 1)), (2, 2, 6, (1, 4)), (1, 3, 5, (4, 9)), (2, 2, 4, (1, 1))]


@pytest.mark.parametrize(("inputs", "outputs", "width", "rates"), CASES)
def test_lifted_spectrum_and_bulk_make_up_the_dense_spectrum(inputs, outputs, width, rates):
    """Oracle: characteristic polynomials, all N(D+K) eigenvalues. Control: a bulk of one copy less."""
    network = _network(inputs, outputs, width, rates)
    dense = Matrix(network.hessian()).charpoly(Z).as_expr()
    lifted = _lifted(network).charpoly(Z).as_expr()
    bulk = bulk_polynomial(network.residual, Z, scale=network.scale, width=width, rates=rates)
    assert expand(lifted * bulk - dense) == 0
    assert Poly(lifted, Z).degree() == (inputs + outputs) ** 2
    short = bulk_polynomial(network.residual, Z, scale=network.scale, width=width + 1, rates=rates)
    assert expand(lifted * short - dense) != 0


@pytest.mark.parametrize("width", [1, 2, 3])
def test_below_the_number_of_data_directions_only_the_top_is_exact(width):
    """Oracle: N < D + K. The lifted polynomial is the dense one times the spurious bulk, and the tops agree.

    Control: the lifted operator has eigenvalues that the Hessian has not.
    """
    network = _network(2, 2, width, seed=width)
    dense = Matrix(network.hessian()).charpoly(Z).as_expr()
    lifted = _lifted(network).charpoly(Z).as_expr()
    bulk = bulk_polynomial(network.residual, Z, scale=network.scale, width=width)
    assert expand(cancel(lifted * bulk) - dense) == 0
    square = network.units.row_join(zeros(4, 4 - width))
    symmetric = lifted_hessian(square, network.residual, network.covariance, scale=network.scale)
    tops = [np.linalg.eigvalsh(np.array(m, dtype=float))[-1] for m in (symmetric, network.hessian())]
    assert abs(tops[0] - tops[1]) < 1e3 * np.finfo(float).eps * tops[0]
    assert Poly(lifted, Z).degree() > Poly(dense, Z).degree()


def test_symmetric_coordinates():
    """Identity: dZ = Y U makes the lifted operator symmetric, with the same spectrum. Control: F does not."""
    network = _network(2, 2, 3, (4, 9))
    factor = network.units.row_join(zeros(4, 1))
    matrix = lifted_hessian(
        factor, network.residual, network.covariance, scale=network.scale, rates=network.rates
    )
    assert matrix.is_symmetric()
    assert not _lifted(network).is_symmetric()
    assert matrix.charpoly(Z) == _lifted(network).charpoly(Z)


def test_the_one_output_formula_with_a_wrong_sign_fails():
    """Control: the lifted operator with -Q in place of Q misses the dense Hessian (one output)."""
    network = _network(2, 1, 3)
    dense = Matrix(network.hessian()).charpoly(Z).as_expr()
    wrong = lifted_operator(
        network.gram, -network.residual, network.covariance, scale=network.scale, width=network.width
    )
    assert _lifted(network).charpoly(Z).as_expr() == dense
    assert expand(wrong.charpoly(Z).as_expr() - dense) != 0


def test_whitened_gauss_newton_spectrum_is_a_kronecker_sum():
    """Oracle: Sigma = I: eigenvalues c^2 N (eta_2 alpha_i + eta_1 nu_j). Control: the rates exchanged."""
    inputs = Matrix([[1, 1], [1, -1]])
    first, second = Matrix([[1, 2, 0], [0, 0, 3]]), Matrix([[2, 0, 0], [0, 1, 1]])
    network = TwoLayer(inputs, Matrix([[1, 0], [0, 2]]), first, second, Rational(1, 2), (1, 4))
    alphas, nus = (5, 9), (4, 2)
    got = Matrix(network.gauss_newton()).charpoly(Z).as_expr()

    def predicted(one, two):
        product = Z**8
        for alpha in alphas:
            for nu in nus:
                product *= Z - Rational(1, 4) * (two * alpha + one * nu)
        return product

    assert expand(got - predicted(1, 4)) == 0
    assert expand(got - predicted(4, 1)) != 0


def test_shapes_and_floats_are_refused():
    """Identity: the whole sentences."""
    with pytest.raises(ValueError) as error:
        TwoLayer(eye(2), eye(2), Matrix([[1, 2, 3]]), eye(2))
    assert str(error.value) == (
        "TwoLayer: accepted are inputs (P, D), targets (P, K), first (D, N), second (K, N) and two "
        "rates; given inputs (2, 2), targets (2, 2), first (1, 3), second (2, 2) and 2 rates"
    )
    with pytest.raises(TypeError, match=r"scale must be exact.*write Rational\(1, 2\)"):
        TwoLayer(eye(2), eye(2), eye(2), eye(2), scale=0.5)
    with pytest.raises(ValueError, match=r"the first argument must be \(3, 3\)"):
        lifted_hessian(eye(4), Matrix([1, 2]), eye(2), scale=1)
