"""Curvature operators against dense matrices, and the identities among them."""

import re
import weakref

import pytest
import torch
from torch.func import hessian, jacrev

from scalewright.nets.curvature.kernel import NTK
from scalewright.nets.curvature.operators import GaussNewton, Hessian, Residual
from scalewright.nets.losses import LOSSES

KINDS = ("mse", "cross-entropy")
RULES = [("tanh", "mse"), ("tanh", "cross-entropy"), ("relu", "mse"), ("linear", "mse"), ("gelu", "mse")]


@pytest.fixture
def batch(data, labels):
    """Return the data of each loss."""
    return {"mse": data, "cross-entropy": labels}


def dense(operator):
    """Return the matrix of each member (M, size, size), column by column."""
    columns = torch.eye(operator.size, dtype=operator.dtype)
    shape = (operator.members, operator.size)
    return torch.stack([operator.product(column.expand(shape)) for column in columns], dim=2)


def oracle(ensemble, member, inputs):
    """Return the outputs of one member as a function of its flat weights, and those weights."""
    stacked = {name: weight[member] for name, weight in ensemble.parameters.items()}
    flat = torch.cat([weight.flatten() for weight in stacked.values()])

    def outputs(vector):
        parts = vector.split([weight.numel() for weight in stacked.values()])
        weights = {
            name: part.reshape(weight.shape) * ensemble.multipliers[name][member]
            for (name, weight), part in zip(stacked.items(), parts, strict=True)
        }
        return torch.func.functional_call(ensemble.model, weights, (inputs,))

    return outputs, flat


def roots(ensemble, member):
    """Return the diagonal of Lambda^1/2 of one member."""
    return torch.cat(
        [ensemble.rates[n][member].sqrt().expand(w[member].numel()) for n, w in ensemble.parameters.items()]
    )


# torch.func.hessian loads torch's own scripted decompositions, which warn of torch.jit.script on first use.
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("activation", "loss"), RULES)
def test_oracle_hessian_is_the_dense_one(ensemble, batch, activation, loss):
    """Oracle: torch.func.hessian differentiates forward over reverse, one network at a time."""
    networks = ensemble(activation=activation)
    inputs, targets = batch[loss]
    found = dense(Hessian(networks, loss, batch[loss]))
    for member in range(networks.members):
        outputs, flat = oracle(networks, member, inputs)
        exact = hessian(lambda w, f=outputs: LOSSES[loss].value(f(w)[None], targets)[0])(flat)
        scale = roots(networks, member)
        torch.testing.assert_close(found[member], scale[:, None] * exact * scale, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("loss", KINDS)
def test_oracle_raw_hessian_leaves_the_rates_out(ensemble, batch, loss):
    """Oracle: dividing by Lambda^1/2 on both sides gives the raw operator."""
    networks = ensemble()
    rescaled = dense(Hessian(networks, loss, batch[loss]))
    raw = dense(Hessian(networks, loss, batch[loss], raw=True))
    scale = roots(networks, 0)
    torch.testing.assert_close(rescaled[0], scale[:, None] * raw[0] * scale, rtol=1e-9, atol=1e-11)
    assert not torch.allclose(rescaled, raw)  # control: the rates are not all 1


def test_oracle_ntk_is_j_lambda_j_transposed(ensemble, batch):
    """Oracle: the Jacobian by torch.func.jacrev, the kernel as a matrix product."""
    networks = ensemble()
    found = dense(NTK(networks, "mse", batch["mse"]))
    for member in range(networks.members):
        outputs, flat = oracle(networks, member, batch["mse"][0])
        jacobian = jacrev(outputs)(flat).flatten(0, 1) * roots(networks, member)
        torch.testing.assert_close(found[member], jacobian @ jacobian.T, rtol=1e-9, atol=1e-11)


def test_identity_gauss_newton_has_the_spectrum_of_the_kernel(ensemble, batch):
    """Identity: for the squared loss the largest eigenvalues of Theta and of P G agree."""
    networks = ensemble()
    kernel = torch.linalg.eigvalsh(dense(NTK(networks, "mse", batch["mse"])))
    newton = torch.linalg.eigvalsh(dense(GaussNewton(networks, "mse", batch["mse"])))
    torch.testing.assert_close(kernel, 6 * newton[:, -12:], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(("activation", "loss"), RULES)
def test_identity_hessian_is_gauss_newton_plus_residual(ensemble, batch, activation, loss):
    """Identity Hv = Gv + Rv for three operators that share no product; control: G alone is not H."""
    networks = ensemble(activation=activation)
    operators = [kind(networks, loss, batch[loss]) for kind in (Hessian, GaussNewton, Residual)]
    vectors = torch.randn(2, networks.size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    whole, newton, rest = (operator.product(vectors) for operator in operators)
    torch.testing.assert_close(whole, newton + rest, rtol=1e-10, atol=1e-12)
    assert not torch.allclose(whole, newton)


@pytest.mark.parametrize("loss", KINDS)
@pytest.mark.parametrize("kind", [Hessian, GaussNewton, Residual, NTK])
def test_identity_products_are_symmetric(ensemble, batch, kind, loss):
    """Identity u.Av = v.Au, member by member."""
    operator = kind(ensemble(), loss, batch[loss])
    generator = torch.Generator().manual_seed(2)
    u, v = (torch.randn(2, operator.size, dtype=torch.float64, generator=generator) for _ in range(2))
    left, right = (u * operator.product(v)).sum(1), (v * operator.product(u)).sum(1)
    torch.testing.assert_close(left, right, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("loss", KINDS)
def test_identity_gauss_newton_is_positive_semidefinite(ensemble, batch, loss):
    """Identity, to rounding; control: the residual operator has negative eigenvalues."""
    networks = ensemble()
    newton = torch.linalg.eigvalsh(dense(GaussNewton(networks, loss, batch[loss])))
    rest = torch.linalg.eigvalsh(dense(Residual(networks, loss, batch[loss])))
    assert newton.min() > -1e-12 * newton.max()
    assert rest.min() < -1e-3 * newton.max()


def test_identity_residual_vanishes_where_the_loss_is_flat(ensemble, data):
    """Identity: R = 0 at targets that the network meets (squared loss)."""
    networks = ensemble(seeds=(0,))
    outputs = networks.forward(networks.parameters, data[0])[0]
    operator = Residual(networks, "mse", (data[0], outputs))
    vectors = torch.ones(1, networks.size, dtype=torch.float64)
    assert operator.product(vectors).abs().max() == 0


def test_identity_centred_outputs_start_at_zero(ensemble, data):
    """Identity: with f - f_0 the initial squared loss is that of f = 0, and H, G, R still add up."""
    networks = ensemble(centred=True)
    operators = [kind(networks, "mse", data) for kind in (Hessian, GaussNewton, Residual)]
    vectors = torch.ones(2, networks.size, dtype=torch.float64)
    whole, newton, rest = (operator.product(vectors) for operator in operators)
    torch.testing.assert_close(whole, newton + rest, rtol=1e-10, atol=1e-12)
    plain = Residual(ensemble(), "mse", data).product(vectors)
    assert not torch.allclose(plain, rest)


@pytest.mark.parametrize("kind", [Hessian, GaussNewton, Residual, NTK])
def test_property_graph_is_freed_with_the_operator(ensemble, data, kind):
    """Property: no cycle keeps the recorded graph alive: memory returns without garbage collection."""
    operator = kind(ensemble(), "mse", data)
    operator.product(torch.ones(2, operator.size, dtype=torch.float64))
    leaf = weakref.ref(next(iter(operator.problem.leaves.values())))
    assert leaf() is not None  # control: it lives as long as the operator
    del operator
    assert leaf() is None


def test_bad_outputs(ensemble, data):
    """Property: the whole sentence when the targets have another number of outputs."""
    sentence = "the model's outputs for one sample must have the shape (1, 3) of the targets; given (1, 2)"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        Hessian(ensemble(), "mse", (data[0], torch.zeros(6, 3, dtype=torch.float64)))
