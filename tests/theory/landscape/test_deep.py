"""Any number of layers: block formulas against differentiation, the balanced path against dense Hessians.

Oracle: sympy differentiates the written-out loss entry by entry, knowing nothing of Kronecker products. All
exact.
"""

import pytest
from sympy import (
    Integer,
    Matrix,
    Rational,
    Symbol,
    diag,
    diff,
    expand,
    eye,
    hessian,
    simplify,
    sqrt,
    symbols,
    zeros,
)

from scalewright.theory.landscape import (
    DeepLinear,
    balanced,
    balanced_mode,
    gauss_newton_top,
    hessian_top,
    residual_top,
)
from scalewright.theory.landscape.symbols import BASE_RATE, LAYERS, STRENGTH, TARGET

Z = Symbol("z")
SHAPES = [(2, 3, 2), (2, 2, 3, 1), (1, 2, 2, 2, 1)]


def _values(rows, columns, seed):
    return Matrix(
        rows, columns, lambda i, j: Rational((7 * i + 5 * j + 3 * seed) % 11 - 5, 1 + (i + j + seed) % 3)
    )


def _network(sizes, rates=None):
    weights = tuple(_values(sizes[i + 1], sizes[i], i) for i in range(len(sizes) - 1))
    return DeepLinear(weights, _values(3, sizes[0], 7), _values(3, sizes[-1], 8), Rational(1, 2), rates)


def _differentiated(network):
    """Gradient, Hessian and Jacobian of the written-out network, by sympy, at the weights of `network`."""
    layers, point = [], {}
    for number, weight in enumerate(network.weights):
        names = Matrix(
            weight.rows, weight.cols, symbols(f"w{number}_:{weight.rows * weight.cols}", real=True)
        )
        layers.append(names)
        point |= dict(zip(names.vec(), weight.vec(), strict=True))
    product = eye(network.inputs.cols)
    for names in layers:
        product = names * product
    outputs = (network.scale * product * network.inputs.T).vec()
    error = outputs - network.targets.T.vec()
    loss = expand((error.T * error)[0] / (2 * network.inputs.rows))
    gradient = Matrix([diff(loss, name) for name in point]).subs(point)
    jacobian = outputs.jacobian(list(point)).subs(point)
    return gradient, hessian(loss, list(point)).subs(point), jacobian


@pytest.mark.parametrize("sizes", SHAPES, ids=["2 layers", "3 layers", "4 layers"])
def test_blocks_are_the_derivatives(sizes):
    """Oracle: gradient, H, J and NTK, entry by entry. Control: -R in place of R."""
    network = _network(sizes)
    gradient, dense, jacobian = _differentiated(network)
    parts = [network.gradient(layer).vec() for layer in range(1, network.layers + 1)]
    assert Matrix([entry for part in parts for entry in part]) == gradient
    assert Matrix(network.hessian()) == dense
    assert Matrix(network.jacobian()) == jacobian
    assert Matrix(network.ntk()) == jacobian * jacobian.T
    assert Matrix(network.gauss_newton() - network.residual_hessian()) != dense


def test_learning_rates_rescale_every_matrix():
    """Identity: Lambda^1/2 H Lambda^1/2 and J Lambda J^T. Control: the rates in another order."""
    sizes, rates = (2, 2, 2, 1), (1, 4, 9)
    plain, scaled = _network(sizes), _network(sizes, rates)
    root = diag(*(sqrt(rate) for rate, w in zip(rates, plain.weights, strict=True) for _ in w))
    assert Matrix(scaled.hessian()) == root * plain.hessian() * root
    assert Matrix(scaled.ntk()) == plain.jacobian() * root**2 * plain.jacobian().T
    assert Matrix(_network(sizes, rates[::-1]).hessian()) != root * plain.hessian() * root


def test_one_step_of_descent():
    """Identity: W' = W - rate_l * rate * gradient. Control: another rate."""
    network = _network((2, 2, 1), (1, 3))
    after = network.step(Rational(1, 5))
    assert after.weights[1] == network.weights[1] - Rational(3, 5) * network.gradient(2)
    assert after.weights[0] != network.weights[0] - Rational(3, 5) * network.gradient(1)


INPUTS, WIDTH, OUTPUTS = 3, 3, 2
AMPLITUDE = Rational(3, 2)


def _balanced(layers, target, other=0):
    """W_l = a u_{l+1} u_l^T with oblique rational unit vectors, whitened inputs."""
    first, middle, last = Matrix([3, 0, 4]) / 5, Matrix([2, 1, 2]) / 3, Matrix([3, 4]) / 5
    vectors = [first, *[middle] * (layers - 1), last]
    weights = tuple(AMPLITUDE * vectors[i + 1] * vectors[i].T for i in range(layers))
    matrix = target * last * first.T + other * Matrix([-4, 3]) / 5 * Matrix([[0, 1, 0]])
    inputs = sqrt(INPUTS) * eye(INPUTS)
    return DeepLinear(weights, inputs, inputs * matrix.T)


def _polynomial(network):
    return Matrix(network.hessian()).applyfunc(simplify).charpoly(Z)


def _predicted(layers, target, leave_out=()):
    product = Integer(1)
    for sector in balanced.spectrum(layers, inputs=INPUTS, width=WIDTH, outputs=OUTPUTS):
        value = sector.hessian.subs({STRENGTH: AMPLITUDE**layers, TARGET: target})
        product *= (Z - (0 if sector.name in leave_out else value)) ** sector.multiplicity
    return expand(product)


def _top(polynomial):
    """Largest root, which is rational here."""
    return max(root for root in polynomial.ground_roots())


CASES = [(layers, target) for layers in (2, 3, 4) for target in (1, AMPLITUDE**layers, 4, 30)]


@pytest.mark.parametrize(("layers", "target"), CASES)
def test_balanced_spectrum_is_the_dense_spectrum(layers, target):
    """Oracle: characteristic polynomials with multiplicities, below, at and above the target.

    Control: without the hidden pairs the polynomial is another one, unless the residual vanishes.
    """
    network = _balanced(layers, target)
    polynomial = _polynomial(network)
    assert expand(polynomial.as_expr() - _predicted(layers, target)) == 0
    strength = AMPLITUDE**layers
    assert _top(polynomial) == simplify(hessian_top(layers, strength=strength, target=target))
    if target != strength:
        left_out = _predicted(layers, target, ("hidden+", "hidden-"))
        assert expand(polynomial.as_expr() - left_out) != 0


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_without_the_orthogonal_modes_the_top_below_the_target_is_missed(layers):
    """Control: far below the target the mode has a negative eigenvalue, while the top is positive."""
    target, strength = 30, AMPLITUDE**layers
    sectors = balanced.spectrum(layers, inputs=INPUTS, width=WIDTH, outputs=OUTPUTS)
    mode = sectors[0].hessian.subs({STRENGTH: strength, TARGET: target})
    top = _top(_polynomial(_balanced(layers, target)))
    assert mode < 0 < top
    assert top == simplify(residual_top(layers, strength=strength, target=target))


@pytest.mark.parametrize("layers", [2, 3, 4])
@pytest.mark.parametrize("target", [1, 30])
def test_tops_of_the_two_parts(layers, target):
    """Oracle: dense G and R. Control: their sum is the top of H only where they share it (target 1)."""
    network, strength = _balanced(layers, target), AMPLITUDE**layers
    parts = [
        _top(Matrix(m).applyfunc(simplify).charpoly(Z))
        for m in (network.gauss_newton(), network.residual_hessian())
    ]
    assert parts[0] == gauss_newton_top(layers, strength=strength)
    assert parts[1] == simplify(residual_top(layers, strength=strength, target=target))
    together = sum(parts) == _top(_polynomial(network))
    assert together == (target == 1)


@pytest.mark.parametrize("layers", [2, 3])
def test_another_target_mode_that_is_not_learned(layers):
    """Oracle: at the end of the first mode, a second adds `other` s^(1-2/L). Control: missed without."""
    strength, other = AMPLITUDE**layers, 12
    top = _top(_polynomial(_balanced(layers, strength, other)))
    assert top == simplify(hessian_top(layers, strength=strength, target=strength, other=other))
    assert top > simplify(hessian_top(layers, strength=strength, target=strength))
    residual = _top(
        Matrix(_balanced(layers, strength, other).residual_hessian()).applyfunc(simplify).charpoly(Z)
    )
    assert residual == simplify(residual_top(layers, strength=strength, target=strength, other=other))


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_descent_stays_balanced_and_follows_the_mode(layers):
    """Identity: one step of every layer is a step of the amplitude. Control: a different rate is not."""
    network, rate = _balanced(layers, 4), Rational(1, 50)
    after = network.step(rate)
    values = {balanced.AMPLITUDE: AMPLITUDE, TARGET: 4, BASE_RATE: rate}
    amplitude = balanced_mode(layers).step.subs(values)
    ratio = amplitude / AMPLITUDE
    for old, new in zip(network.weights, after.weights, strict=True):
        assert Matrix(new - ratio * old).applyfunc(simplify) == zeros(*old.shape)
    assert Matrix(after.weights[0] - ratio**2 * network.weights[0]).applyfunc(simplify) != zeros(
        WIDTH, INPUTS
    )


def test_formulas_with_the_number_of_layers_symbolic():
    """Identity: the symbolic formulas give those of each number of layers; the crossover is b/2 for all."""
    for formula in (gauss_newton_top, residual_top, hessian_top, balanced.edge_of_stability):
        for layers in (2, 3, 5):
            assert simplify(formula().subs(LAYERS, layers) - formula(layers)) == 0
    assert simplify(balanced_mode().flow + LAYERS * STRENGTH ** (2 - 2 / LAYERS) * (STRENGTH - TARGET)) == 0
    assert {balanced.crossover(layers) for layers in (2, 3, LAYERS)} == {TARGET / 2}
    assert simplify(balanced.edge_of_stability() * LAYERS * TARGET ** (2 - 2 / LAYERS)) == 2


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_edge_of_stability_is_where_the_amplitude_map_loses_stability(layers):
    """Identity: da'/da = -1 at the target. Control: not with L - 1 in place of L."""
    slope = (
        balanced_mode(layers)
        .step.diff(balanced.AMPLITUDE)
        .subs(balanced.AMPLITUDE, TARGET ** Rational(1, layers))
    )
    edge = balanced.edge_of_stability(layers)
    assert simplify(slope.subs(BASE_RATE, edge)) == -1
    assert simplify(slope.subs(BASE_RATE, edge * layers / (layers - 1))) != -1


@pytest.mark.parametrize("layers", [1, 0, Rational(5, 2)])
def test_wrong_numbers_of_layers_are_refused(layers):
    """Identity: the whole sentence."""
    with pytest.raises(ValueError) as error:
        hessian_top(layers)
    assert str(error.value) == (
        f"hessian_top: layers must be an integer of at least 2 or a sympy symbol; given {layers}"
    )


def test_wrong_shapes_are_refused():
    """Identity: the sentence names every shape."""
    with pytest.raises(ValueError, match=r"given weights \[\(2, 3\), \(2, 3\)\], inputs \(3, 3\)"):
        DeepLinear((zeros(2, 3), zeros(2, 3)), eye(3), zeros(3, 2))
