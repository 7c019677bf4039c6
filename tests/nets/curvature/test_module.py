"""Any torch module: its curvature is the dense one, and the module is what it was before."""

import copy
import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm
from torch.utils.checkpoint import checkpoint

from scalewright import nets
from scalewright.nets.curvature.module import ModuleProblem

# torch.func.hessian loads torch's own scripted decompositions, which warn of torch.jit.script on first use.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")


class Tied(nn.Module):
    """The decoder's weight is the encoder's transpose: one parameter used twice."""

    def __init__(self):
        super().__init__()
        self.code = nn.Linear(3, 2, bias=False)

    def forward(self, x):
        return torch.tanh(self.code(x)) @ self.code.weight


class SharedModule(nn.Module):
    """One layer under two names."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.second = self.first
        self.last = nn.Linear(3, 2)

    def forward(self, x):
        return self.last(torch.tanh(self.second(torch.tanh(self.first(x)))))


class TwoHeads(nn.Module):
    """Returns a dict of two outputs, and a count that is no tensor."""

    def __init__(self):
        super().__init__()
        self.trunk, self.a, self.b = nn.Linear(3, 4), nn.Linear(4, 2), nn.Linear(4, 1)

    def forward(self, x):
        features = torch.tanh(self.trunk(x))
        return {"a": self.a(features), "b": self.b(features), "count": 2}


class Attention(nn.Module):
    """Fused attention, which by itself has no second derivative."""

    def __init__(self):
        super().__init__()
        self.inward, self.out = nn.Linear(3, 12), nn.Linear(4, 2)

    def forward(self, x):
        q, k, v = self.inward(torch.stack([x, x * x, -x], 1))[:, None].chunk(3, dim=-1)
        return self.out(functional.scaled_dot_product_attention(q, k, v).mean((1, 2)))


class Checkpointed(nn.Module):
    """Activations are computed anew in the backward pass."""

    def __init__(self):
        super().__init__()
        self.inner, self.last = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x):
        features = checkpoint(lambda t: torch.tanh(self.inner(t)), x, use_reentrant=False)
        return self.last(features)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.out = nn.LSTM(1, 3, batch_first=True), nn.Linear(3, 2)

    def forward(self, x):
        return self.out(self.lstm(x[:, :, None])[0][:, -1])


def sequential(*layers):
    return nn.Sequential(nn.Linear(3, 4), *layers, nn.Linear(4, 2))


def frozen():
    model = sequential(nn.Tanh())
    model[0].bias.requires_grad_(False)
    return model


def two_head_loss(outputs, targets):
    return outputs["a"].sub(targets).square().mean() + outputs["b"].square().mean()


MODELS = {
    "plain": (lambda: sequential(nn.Tanh()), "mse"),
    "tied": (Tied, lambda f, y: functional.mse_loss(f[:, :2], y)),
    "one layer twice": (SharedModule, "mse"),
    "frozen": (frozen, "mse"),
    "batch norm in training": (lambda: sequential(nn.BatchNorm1d(4), nn.Tanh()).train(), "mse"),
    "batch norm in evaluation": (lambda: sequential(nn.BatchNorm1d(4), nn.Tanh()).eval(), "mse"),
    "dropout in evaluation": (lambda: sequential(nn.Dropout(0.5), nn.Tanh()).eval(), "mse"),
    "dropout of nothing": (lambda: sequential(nn.Dropout(0.0), nn.Tanh()).train(), "mse"),
    "two outputs": (TwoHeads, two_head_loss),
    "attention": (Attention, "mse"),
    "recurrent": (Recurrent, "mse"),
    "checkpointed": (Checkpointed, "mse"),
    "torch's loss": (lambda: sequential(nn.GELU()), nn.MSELoss()),
    "huber": (lambda: sequential(nn.Tanh()), functional.smooth_l1_loss),
}


def made(name):
    torch.manual_seed(3)
    build, loss = MODELS[name]
    return build().double(), loss


def value_of(model, loss):
    """Return loss(flat weights, data) by plain functional calls: nothing of our operators."""
    weights = {n: w.detach() for n, w in model.named_parameters() if w.requires_grad}

    def value(flat, data, dtype=torch.float64):
        parts = flat.split([w.numel() for w in weights.values()])
        named = {n: p.reshape(w.shape) for (n, w), p in zip(weights.items(), parts, strict=True)}
        buffers = {n: b.clone() for n, b in model.named_buffers()}
        with nn.attention.sdpa_kernel(nn.attention.SDPBackend.MATH):
            outputs = functional_call(model, named | buffers, (data[0],))
        if loss == "mse":
            return outputs.sub(data[1]).square().sum() / (2 * len(data[0]))
        return loss(outputs, data[1])

    return value, torch.cat([w.flatten() for w in weights.values()])


def everything(model):
    """Return all of a model that a measurement could change, and torch's random state, as bytes."""
    return (
        {name: value.detach().clone().numpy().tobytes() for name, value in model.state_dict().items()},
        [module.training for module in model.modules()],
        [(w.requires_grad, None if w.grad is None else w.grad.numpy().tobytes()) for w in model.parameters()],
        [id(w) for w in model.parameters()],
        torch.get_rng_state().numpy().tobytes(),
    )


@pytest.mark.parametrize("name", MODELS)
def test_oracle_dense_hessian(name, data):
    """Oracle: torch.autograd.functional.hessian of plain functional calls."""
    model, loss = made(name)
    value, flat = value_of(model, loss)
    exact = torch.autograd.functional.hessian(lambda w: value(w, data), flat)
    found = nets.Hessian(model, loss, data).dense()[0]
    torch.testing.assert_close(found, exact, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", [n for n in MODELS if n != "huber"])
def test_identity_hessian_is_gauss_newton_plus_residual(name, data):
    """Identity Hv = Gv + Rv, for any outputs and any convex loss; G is positive semi-definite."""
    model, loss = made(name)
    whole, newton, rest = (
        kind(model, loss, data).dense()[0] for kind in (nets.Hessian, nets.GaussNewton, nets.Residual)
    )
    torch.testing.assert_close(whole, newton + rest, rtol=1e-9, atol=1e-11)
    eigenvalues = torch.linalg.eigvalsh(newton)
    assert eigenvalues[0] > -1e-12 * eigenvalues[-1]


@pytest.mark.parametrize("name", MODELS)
def test_property_the_model_is_not_changed(name, data):
    """Property, to the byte: weights, buffers, modes, gradients, flags, identities and random state."""
    model, loss = made(name)
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight) if weight.requires_grad else None
    before = everything(model)
    nets.sharpness(model, loss, data, budget=5)
    nets.quantities(model, loss, data, ("gauss_newton", "residual", "trace", "directional_sharpness"))
    assert everything(model) == before
    if name == "batch norm in training":  # control: a plain call does change the running statistics
        model(data[0])
        assert everything(model) != before


def test_property_the_random_state_is_kept_while_data_draw(data):
    """Property: a shuffling loader draws from torch's generator; control: it does."""
    loader = torch.utils.data.DataLoader(list(zip(*data, strict=True)), batch_size=4, shuffle=True)
    model, loss = made("plain")
    before = everything(model)
    nets.Hessian(model, loss, loader)
    assert everything(model) == before
    next(iter(loader))
    assert everything(model) != before


@pytest.mark.parametrize("kind", [nets.Hessian, nets.GaussNewton, nets.Residual, nets.Fisher, nets.NTK])
@pytest.mark.parametrize("keep", [None, True])
def test_identity_batches_and_chunks_are_the_whole(kind, keep, data):
    """Identity: a ragged last batch counts by its samples, chunks change nothing; control: not equally."""
    model, loss = made("plain")
    whole = kind(model, loss, data).dense()
    batches = [(data[0][:4], data[1][:4]), (data[0][4:], data[1][4:])]
    torch.testing.assert_close(kind(model, loss, batches, keep_graph=keep).dense(), whole)
    torch.testing.assert_close(kind(model, loss, iter(batches)).dense(), whole)
    torch.testing.assert_close(kind(model, loss, data, chunk=4).dense(), whole)
    if kind is not nets.NTK:
        halves = [kind(model, loss, batch).dense() for batch in batches]
        torch.testing.assert_close((4 * halves[0] + 2 * halves[1]) / 6, whole)
        assert not torch.allclose((halves[0] + halves[1]) / 2, whole)


def test_property_a_chunk_bounds_the_samples_computed_at_once(data):
    """Property: no call of the model sees more than `chunk` samples, and no graph outlives a product."""
    seen = []
    model, loss = made("plain")
    model.register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    operator = nets.Hessian(model, loss, data, chunk=2)
    operator.product(torch.ones(1, operator.size, dtype=torch.float64))
    assert max(seen) == 2
    assert operator._graphs == []


def test_identity_a_subset_of_parameters_is_a_block(data):
    """Identity: the operator of some parameters is the block of the whole; patterns pick by name."""
    model, loss = made("plain")
    whole = nets.Hessian(model, loss, data).dense()[0]
    block = nets.Hessian(model, loss, data, parameters=["2.*"]).dense()[0]
    torch.testing.assert_close(block, whole[-10:, -10:])
    bias = nets.Hessian(model, loss, data, parameters=["0.bias", "2.weight"]).dense()[0]
    places = [*range(12, 16), *range(16, 24)]
    torch.testing.assert_close(bias, whole[places][:, places])


def test_identity_inputs_of_several_arguments(data):
    """Identity: a tuple is positional arguments, a dict keyword arguments."""

    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, x, scale):
            return torch.tanh(self.layer(x)) * scale

    torch.manual_seed(0)
    model = Pair().double()
    scale = torch.full((6, 1), 2.0, dtype=torch.float64)
    positional = nets.Hessian(model, "mse", ((data[0], scale), data[1])).dense()
    keywords = nets.Hessian(model, "mse", ({"x": data[0], "scale": scale}, data[1]), chunk=4).dense()
    torch.testing.assert_close(positional, keywords)


def test_identity_compiled_models_are_measured_through_their_module(data):
    """Identity: torch.compile changes nothing, whole or inside; the eager backend stands for others."""
    model, loss = made("plain")
    plain = nets.Hessian(model, loss, data).dense()
    compiled = torch.compile(model, backend="eager")
    torch.testing.assert_close(nets.Hessian(compiled, loss, data).dense(), plain)
    inside = copy.deepcopy(model)
    inside[1] = torch.compile(inside[1], backend="eager")
    torch.testing.assert_close(nets.Hessian(inside, loss, data).dense(), plain)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_oracle_low_precision_weights_are_computed_in_float32(dtype, data):
    """Oracle: the Hessian in float64 at the same rounded weights, to the rounding of float32."""
    model, _ = made("plain")
    low = copy.deepcopy(model).to(dtype)
    operator = nets.Hessian(low, "mse", data)
    assert operator.dtype == torch.float32
    exact = nets.Hessian(copy.deepcopy(low).double(), "mse", data).dense()
    torch.testing.assert_close(
        operator.dense().double(), exact, rtol=1e-4, atol=1e-5 * float(exact.abs().max())
    )
    wide = nets.Hessian(low, "mse", data, dtype=torch.float64).dense()
    torch.testing.assert_close(wide, exact, rtol=1e-12, atol=1e-14)


def test_identity_tokens_are_samples_of_cross_entropy():
    """Identity: outputs (B, T, V) count as B T samples."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 5)).double()
    tokens = torch.randint(5, (4, 6))
    found = nets.Hessian(model, "cross-entropy", (tokens, tokens.roll(1, 1))).dense()
    ours = nets.Hessian(
        model,
        lambda f, y: functional.cross_entropy(f.flatten(0, 1), y.flatten()),
        (tokens, tokens.roll(1, 1)),
    ).dense()
    torch.testing.assert_close(found, ours)


def test_property_a_model_on_meta_gives_shapes(data):
    """Property: products have shape and dtype and cost nothing; a value is refused with one sentence."""
    model = sequential(nn.Tanh()).to("meta")
    there = [part.float().to("meta") for part in data]
    operator = nets.Hessian(model, "mse", tuple(there))
    image = operator.product(torch.empty(1, operator.size, device="meta"))
    assert (tuple(image.shape), image.device.type) == ((1, 26), "meta")
    with pytest.raises(
        ValueError, match=r"^top_eigenpairs: a model on the meta device has no values: materialise"
    ):
        nets.sharpness(model, "mse", tuple(there))


# bad input


def noisy(data):
    return sequential(nn.Dropout(0.5)).double().train(), "mse", data


def random_forward(data):
    model = sequential(nn.Tanh()).double()
    model.register_forward_hook(lambda _, __, out: out + torch.randn_like(out))
    return model, "mse", data


def not_finite(data):
    model = sequential(nn.Tanh()).double()
    with torch.no_grad():
        model[0].bias[1] = float("nan")
    return model, "mse", data


def plain(loss, data):
    return sequential(nn.Tanh()).double(), loss, data


BAD = {
    "dropout": (
        noisy,
        "the model's outputs must be the same at every call, since products of different matrices have no "
        "common eigenvalues; given two that differ: '1' drop at random: call model.eval(), or set "
        "their p to 0",
    ),
    "random": (
        random_forward,
        "the model's outputs must be the same at every call, since products of different matrices have no "
        "common eigenvalues; given two that differ: switch the randomness in its forward off",
    ),
    "weights": (not_finite, "parameters must be finite; given nan or inf in '0.bias'"),
    "vector": (
        lambda data: plain(lambda f, y: (f - y).square().sum(1), data),
        "loss must return one number, the mean over the samples; given shape (6,)",
    ),
    "infinite loss": (
        lambda data: plain(lambda f, y: (f - y).square().mean() * float("inf"), data),
        "the loss must be finite; given inf",
    ),
    "sum": (
        lambda data: plain(nn.MSELoss(reduction="sum"), data),
        "loss must be the mean over samples, reduction='mean'; given reduction='sum'",
    ),
    "no batch": (
        lambda data: plain("mse", iter([])),
        "data: the iterable of batches must hold at least one; given an empty one",
    ),
    "empty batch": (
        lambda data: plain("mse", (data[0][:0], data[1][:0])),
        "data: inputs and targets must have the same positive number of samples; given 0 and 0",
    ),
    "device": (
        lambda data: plain("mse", (data[0].to("meta"), data[1])),
        "data must be on the model's device cpu; given a tensor on meta: move it with .to('cpu')",
    ),
    "nan": (
        lambda data: plain("mse", (data[0] * float("nan"), data[1])),
        "data must be finite; given nan or inf",
    ),
    "classes": (
        lambda data: plain("cross-entropy", (data[0], torch.full((6,), 2))),
        "data: class indices must lie between 0 and 1, the model's last output; given 2",
    ),
    "lazy": (
        lambda data: (nn.Sequential(nn.LazyLinear(2)).double(), "mse", data),
        "parameters must have values; given '0.weight' of a lazy module: call it once first",
    ),
    "no derivative": (
        lambda data: plain(lambda f, y: (f.argmax(1) == 0).double().mean(), data),
        "the loss must depend on the chosen parameters by differentiable operations; given one that does not",
    ),
    "name": (
        lambda data: plain("hinge", data),
        "loss must be one of 'mse', 'cross-entropy'; given 'hinge'",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(name, data):
    """Property: the whole sentence."""
    make, sentence = BAD[name]
    model, loss, given = make(data)
    state = torch.get_rng_state()
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        nets.sharpness(model, loss, given)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ({"k": 27}, ValueError, "top_eigenpairs: k must be between 1 and the dimension 26; given 27"),
        ({"parameters": ["3.weight"]}, ValueError, "parameters must name trained parameters (0.weight, "
         "0.bias, 2.weight, 2.bias); given '3.weight'"),
        ({"parameters": "0.weight"}, TypeError, "parameters must be a list of names or patterns; given the "
         "string '0.weight'"),
        ({"chunk": 0}, ValueError, "data: chunk must be a positive number of samples; given 0"),
        ({"dtype": torch.bfloat16}, TypeError, "dtype must be torch.float32 or torch.float64; given "
         "torch.bfloat16"),
        ({"metric": {}}, ValueError, "metric must have an entry for every parameter; given none for "
         "'0.weight'"),
    ],
)  # fmt: skip
def test_bad_arguments_are_one_sentence(arguments, error, sentence, data):
    """Property: the whole sentence."""
    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        nets.sharpness(*plain("mse", data), **arguments)


def test_wrong_kinds_are_one_sentence(data):
    """Property: what is no model, no loss, no data."""
    for model, loss, given, sentence in (
        (3, "mse", data, "model must be a torch.nn.Module or an Ensemble; given int"),
        (plain("mse", data)[0], 3, data, "loss must be 'mse', 'cross-entropy', a Loss, or a function "
         "(outputs, targets) -> number; given int"),
        (plain("mse", data)[0], "mse", 3, "data must be an (inputs, targets) pair, the result of data.load "
         "or an iterable of pairs; given int"),
        (plain("mse", data)[0], "mse", [3], "data: every batch must be an (inputs, targets) pair; given int"),
        (plain("mse", data)[0], lambda f, y: 1.0, data, "loss must return a tensor; given float"),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=f"^{re.escape(sentence)}$"):
            nets.sharpness(model, loss, given)


def test_chunks_of_coupled_samples_are_refused(data):
    """Property: the whole sentence; control: in evaluation mode the chunks are fine."""
    model, loss = made("batch norm in training")
    sentence = (
        "chunk computes a batch in parts, and '1' in training mode mixes its samples: leave chunk out, or "
        "call model.eval()"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        nets.Hessian(model, loss, data, chunk=2)
    nets.Hessian(model.eval(), loss, data, chunk=2)


def test_control_the_second_derivative_of_fused_attention_is_missing(data):
    """Control: outside of our context the model's double backward fails, so the context is what helps."""
    model, _ = made("attention")
    problem = ModuleProblem(model, "mse", data)
    loss = problem.losses(problem.outputs(0), 0).sum()
    leaves = tuple(problem.leaves.values())
    gradient = torch.autograd.grad(loss, leaves, create_graph=True)
    ones = [torch.ones_like(leaf) for leaf in leaves]
    with pytest.raises(RuntimeError, match=r"scaled_dot_product_flash_attention.* is not implemented"):
        torch.autograd.grad(gradient, leaves, grad_outputs=ones)


def test_control_a_layer_with_a_wrong_second_derivative_is_noticed(data):
    """Control: torch 2.13's fused weight norm has a Hessian that is not symmetric, and is refused."""
    model = nn.Sequential(weight_norm(nn.Linear(3, 4)), nn.Tanh(), nn.Linear(4, 2)).double()
    matrix = nets.Hessian(model, "mse", data).dense()[0]
    if torch.allclose(matrix, matrix.T, rtol=1e-9, atol=1e-11):
        pytest.skip("this torch differentiates weight norm correctly")
    with pytest.raises(ValueError, match=r"^operator must be symmetric, and the same at every product"):
        nets.sharpness(model, "mse", data)


def test_oracle_both_ends_of_the_spectrum(data):
    """Oracle: numpy's eigenvalues of the dense matrix, for both ends of the spectrum."""
    model, loss = made("plain")
    exact = np.linalg.eigvalsh(nets.Hessian(model, loss, data).dense()[0].numpy())
    top = nets.sharpness(model, loss, data, k=3, tolerance=1e-9)
    low = nets.sharpness(model, loss, data, k=3, tolerance=1e-9, which="smallest")
    np.testing.assert_allclose(top.values[0], exact[::-1][:3], rtol=1e-8)
    np.testing.assert_allclose(low.values[0], exact[:3], rtol=1e-8)
