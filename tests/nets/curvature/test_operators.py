"""Curvature operators against dense matrices, and the identities among them."""

import re
import weakref

import numpy as np
import pytest
import torch
from torch.func import hessian, jacrev

from scalewright import nets
from scalewright.nets.curvature.fisher import Fisher
from scalewright.nets.curvature.kernel import NTK
from scalewright.nets.curvature.operators import GaussNewton, Hessian, Residual
from scalewright.nets.curvature.preconditioned import Preconditioned, preconditioner
from scalewright.nets.curvature.quantities import QUANTITIES
from scalewright.nets.losses import LOSSES
from scalewright.nets.models import mlp
from scalewright.nets.objective import Objective

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


def jacobian_of(networks, member, inputs):
    """Return the outputs (P, K) and the Jacobian (P, K, parameters) of one member, with Lambda^1/2 in it."""
    outputs, flat = oracle(networks, member, inputs)
    return outputs(flat), jacrev(outputs)(flat) * roots(networks, member)


def test_oracle_kernel_matrices(ensemble, batch):
    """Oracle: both forms of the kernel from torch.func.jacrev, as matrices and by products."""
    networks = ensemble()
    outputs_form = NTK(networks, "mse", batch["mse"])
    samples_form = NTK(networks, "mse", batch["mse"], form="samples")
    for member in range(networks.members):
        _, jacobian = jacobian_of(networks, member, batch["mse"][0])
        flat = jacobian.flatten(0, 1)
        mean = torch.einsum("pkn,qkn->pq", jacobian, jacobian) / jacobian.shape[1]
        for operator, exact in ((outputs_form, flat @ flat.T), (samples_form, mean)):
            torch.testing.assert_close(operator.dense()[member], exact, rtol=1e-9, atol=1e-11)
            torch.testing.assert_close(dense(operator)[member], exact, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("loss", KINDS)
def test_oracle_empirical_fisher(ensemble, batch, loss):
    """Oracle: the mean of outer products of every sample's own gradient."""
    networks = ensemble()
    inputs, targets = batch[loss]
    found = dense(Fisher(networks, loss, batch[loss]))
    for member in range(networks.members):
        outputs, jacobian = jacobian_of(networks, member, inputs)
        slopes = LOSSES[loss].gradient(outputs[None], targets)[0] * len(inputs)
        gradients = torch.einsum("pk,pkn->pn", slopes, jacobian)
        torch.testing.assert_close(
            found[member], gradients.T @ gradients / len(inputs), rtol=1e-9, atol=1e-11
        )


@pytest.mark.parametrize("loss", KINDS)
def test_identity_type_2_fisher_is_gauss_newton(ensemble, batch, loss):
    """Identity: the expected second derivative of these losses does not depend on the targets."""
    networks = ensemble()
    second, newton = (
        Fisher(networks, loss, batch[loss], kind="type-2"),
        GaussNewton(networks, loss, batch[loss]),
    )
    torch.testing.assert_close(dense(second), dense(newton), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("loss", KINDS)
def test_oracle_type_1_fisher_tends_to_type_2(ensemble, batch, loss):
    """Oracle: over 40 seeds the mean of v.Fv is v.Gv within 4 standard errors; control: one draw is not."""
    networks = ensemble(seeds=(0,))
    newton = GaussNewton(networks, loss, batch[loss])
    vector = torch.randn(1, newton.size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    exact = float((vector * newton.product(vector)).sum())
    draws = torch.tensor(
        [
            float(
                (
                    vector
                    * Fisher(networks, loss, batch[loss], kind="type-1", draws=5, seed=s).product(vector)
                ).sum()
            )
            for s in range(40)
        ]
    )
    assert abs(float(draws.mean()) - exact) < 4 * float(draws.std()) / 40**0.5
    assert float((draws - exact).abs().max()) > 1e-3 * exact
    same = [Fisher(networks, loss, batch[loss], kind="type-1", seed=3).product(vector) for _ in range(2)]
    assert torch.equal(*same)


def test_fisher_without_a_likelihood_is_refused(data):
    """Property: the whole sentences."""
    model = torch.nn.Linear(3, 2).double()
    loss = torch.nn.functional.smooth_l1_loss
    sentence = (
        "Fisher: kind 'type-1' needs a likelihood, the loss 'mse' or 'cross-entropy'; given another: take "
        "kind='empirical'"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        Fisher(model, loss, data, kind="type-1")
    sentence = "Fisher: kind must be one of 'empirical', 'type-1', 'type-2'; given 'type-3'"
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        Fisher(model, "mse", data, kind="type-3")
    with pytest.raises(ValueError, match=r"^NTK: form must be 'outputs' or 'samples'; given 'gram'$"):
        NTK(model, "mse", data, form="gram")


def test_identity_sums_and_multiples(ensemble, data):
    """Identity: operators add, subtract and scale as their matrices do; scipy sees one member."""
    networks = ensemble()
    newton, rest = GaussNewton(networks, "mse", data), Residual(networks, "mse", data)
    a, b = dense(newton), dense(rest)
    for combined, exact in (
        (newton + rest, a + b),
        (newton - rest, a - b),
        (-newton, -a),
        (3 * newton, 3 * a),
        (newton * 0.5, a / 2),
    ):
        torch.testing.assert_close(dense(combined), exact, rtol=1e-12, atol=1e-14)
    adapter = (newton + rest).to_scipy(1)
    vector = np.random.default_rng(0).standard_normal(networks.size)
    np.testing.assert_allclose(adapter @ vector, (a + b)[1].numpy() @ vector, rtol=1e-9)
    assert adapter.dtype == np.float64
    with pytest.raises(ValueError, match=r"^to_scipy: member must lie between 0 and 1; given 2$"):
        newton.to_scipy(2)
    with pytest.raises(ValueError, match=r"^operators combine where they act on the same vectors; given"):
        newton + NTK(networks, "mse", data)
    with pytest.raises(TypeError, match=r"^operators combine with operators; given int$"):
        newton + 3


@pytest.mark.parametrize("loss", KINDS)
@pytest.mark.parametrize("chunk", [None, 4])
def test_identity_ensembles_take_batches_chunks_and_subsets(ensemble, batch, loss, chunk):
    """Identity: batches of an ensemble are the whole, and some of its parameters are a block."""
    networks = ensemble()
    inputs, targets = batch[loss]
    given = batch[loss] if chunk else [(inputs[:4], targets[:4]), (inputs[4:], targets[4:])]
    for kind in (Hessian, GaussNewton, Residual, Fisher):
        whole = dense(kind(networks, loss, batch[loss]))
        torch.testing.assert_close(
            dense(kind(networks, loss, given, chunk=chunk)), whole, rtol=1e-9, atol=1e-11
        )
        block = dense(kind(networks, loss, batch[loss], parameters=["input.*"]))
        torch.testing.assert_close(block, whole[:, :24, :24], rtol=1e-9, atol=1e-11)


def test_identity_gradient_is_the_rescaled_one(ensemble, data):
    """Identity: Hessian.gradient is Lambda^1/2 times the gradient of the loss; it is a copy."""
    networks = ensemble()
    operator = Hessian(networks, "mse", data)
    _, gradients = Objective.of(networks, "mse", data).gradient()
    plain = torch.cat([gradient.flatten(1) for gradient in gradients.values()], 1)
    for member in range(2):
        torch.testing.assert_close(operator.gradient()[member], plain[member] * roots(networks, member))
    kept = operator.gradient()
    kept.zero_()
    assert operator.gradient().abs().max() > 0


OPTIMIZERS = {
    "adam": lambda weights: torch.optim.Adam(weights, lr=0.01),
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=0.01, amsgrad=True),
    "groups": lambda weights: torch.optim.Adam(
        [{"params": weights[:1], "lr": 0.01}, {"params": weights[1:], "lr": 0.03, "eps": 1e-3}]
    ),
    "sgd": lambda weights: torch.optim.SGD(
        [{"params": weights[:1], "lr": 0.1}, {"params": weights[1:], "lr": 0.2}]
    ),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_oracle_preconditioned_is_the_change_of_one_step(name, data):
    """Oracle: without momentum a step is -rate_0 Lambda g with Lambda as we fold it, read off the weights."""
    torch.manual_seed(0)
    model = mlp(2, 4, 3, 2, "tanh").double()
    optimizer = OPTIMIZERS[name](list(model.parameters()))
    for group in optimizer.param_groups:
        group["betas"], group["weight_decay"] = (0.0, 0.9), 0.0
    for _ in range(3):
        optimizer.zero_grad()
        loss = (model(data[0]) - data[1]).square().sum() / 12
        before = [weight.detach().clone() for weight in model.parameters()]
        loss.backward()
        optimizer.step()
    base = optimizer.param_groups[0]["lr"]
    metric = preconditioner(optimizer, model)
    for (label, weight), old in zip(model.named_parameters(), before, strict=True):
        expected = (old - weight.detach()) / (base * weight.grad)
        torch.testing.assert_close(metric[label], expected, rtol=1e-9, atol=1e-12)
    raw = dense(Hessian(model, "mse", data, raw=True))[0]
    root = torch.cat([metric[label].flatten() for label, _ in model.named_parameters()]).sqrt()
    found = dense(Preconditioned(Hessian(model, "mse", data, raw=True), optimizer))[0]
    torch.testing.assert_close(found, root[:, None] * raw * root, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(
        dense(Hessian(model, "mse", data, metric=metric))[0], found, rtol=1e-9, atol=1e-12
    )
    part = Hessian(model, "mse", data, raw=True, parameters=["readout.weight"])
    block = dense(Preconditioned(part, optimizer))[0]
    torch.testing.assert_close(block, found[12:, 12:], rtol=1e-9, atol=1e-12)


def test_identity_an_ensemble_has_the_quantities_of_its_members(ensemble, data):
    """Identity: eigenvalues, traces, densities and the curvature along the gradient, all members at once."""
    together = ensemble(seeds=(0, 1, 2))
    whole = nets.quantities(together, "mse", data, QUANTITIES, tolerance=1e-9, probes=12)
    density = nets.spectral_density(Hessian(together, "mse", data), steps=8, starts=3)
    for index in range(3):
        one = together.select([index])
        alone = nets.quantities(one, "mse", data, QUANTITIES, tolerance=1e-9, probes=12)
        for name in QUANTITIES:
            np.testing.assert_allclose(
                whole[name].values[index], alone[name].values[0], rtol=1e-8, err_msg=name
            )
        mine = nets.spectral_density(Hessian(one, "mse", data), steps=8, starts=3)
        np.testing.assert_allclose(density.nodes[index], mine.nodes[0], rtol=1e-6, atol=1e-9)


def test_preconditioners_that_cannot_be_read_are_refused(ensemble, data):
    """Property: whole sentences."""
    model = mlp(2, 4, 3, 2, "tanh").double()
    fresh = torch.optim.Adam(model.parameters())
    hessian_of = Hessian(model, "mse", data, raw=True)
    with pytest.raises(
        ValueError, match=r"^optimizer has no second moment of 'input.weight' yet: take a step first$"
    ):
        Preconditioned(hessian_of, fresh)
    with pytest.raises(TypeError, match=r"^optimizer must be torch's SGD, Adam or AdamW; given RMSprop$"):
        Preconditioned(hessian_of, torch.optim.RMSprop(model.parameters()))
    with pytest.raises(
        ValueError, match=r"^optimizer must update every trained parameter; given one without"
    ):
        Preconditioned(hessian_of, torch.optim.SGD([model.input.weight], lr=0.1))
    with pytest.raises(TypeError, match=r"^Preconditioned: operator must act on parameters; given NTK$"):
        Preconditioned(NTK(model, "mse", data), fresh)
    rescaled = Hessian(ensemble(), "mse", data)
    with pytest.raises(ValueError, match=r"^Preconditioned: operator must be made with raw=True"):
        Preconditioned(rescaled, fresh)
