"""The refined coordinate check of one model, against a numpy network that is written out by hand."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from scalewright import nets
from scalewright.nets.coordinates.layers import layers_of
from scalewright.nets.coordinates.monitor import Coordinates
from scalewright.nets.coordinates.passes import run, state_of
from scalewright.theory import mlp, named


def trained(model, inputs, steps=3, lr=0.3):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        model(inputs).square().mean().backward()
        optimizer.step()


@pytest.fixture
def inputs():
    return torch.randn(5, 3, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def convolutional():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Flatten(),
        nn.Linear(288, 16), nn.LayerNorm(16), nn.Tanh(), nn.Linear(16, 4),
    )  # fmt: skip
    return model.double()


def test_oracle_a_perceptron_in_numpy():
    """Sizes, gradients and biases of a two-layer network, from its formulas."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((7, 3))
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double()
    watch, before = Coordinates(model), [p.detach().numpy().copy() for p in model.parameters()]
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.from_numpy(rng.standard_normal(weight.shape)))
    after = [p.detach().numpy() for p in model.parameters()]
    targets = rng.standard_normal((7, 2))
    rows = watch.measure(torch.from_numpy(x), targets=torch.from_numpy(targets), loss="mse").rows

    def rms(values):
        return np.sqrt((values**2).mean(axis=1)).mean()

    (w0, b0, v0, c0), (w, b, v, c) = before, after
    h0, h = np.tanh(x @ w0.T + b0), np.tanh(x @ w.T + b)
    readout = rows["2.weight"]
    assert readout["effective"] == pytest.approx(rms(h @ (v - v0).T), rel=1e-12)
    assert readout["propagating"] == pytest.approx(rms((h - h0) @ v0.T), rel=1e-12)
    assert readout["total"] == pytest.approx(rms(h @ v.T - h0 @ v0.T), rel=1e-12)
    assert readout["input_change"] == pytest.approx(rms(h - h0), rel=1e-12)
    assert rows["0.weight"]["propagating"] == 0.0
    assert rows["2.bias"]["effective"] == pytest.approx(np.sqrt(((c - c0) ** 2).mean()), rel=1e-12)
    assert "propagating" not in rows["2.bias"]
    assert readout["gradient"] == pytest.approx(rms(h @ v.T + c - targets), rel=1e-12)


def test_identity_effective_and_propagating_add_up_to_the_total(convolutional, inputs):
    """As tensors, to rounding, in every layer: convolutions, norms, linear maps."""
    watch = Coordinates(convolutional)
    trained(convolutional, inputs)
    layers, shell = layers_of(convolutional)[0], watch._shell
    _, first = run(shell, layers, state_of(shell), (inputs,))
    _, now = run(shell, layers, state_of(convolutional), (inputs,))
    given = {layer.row: now[layer.row].inputs for layer in layers}
    _, between = run(shell, layers, state_of(shell), (inputs,), given=given)
    rows = watch.measure(inputs).rows
    for layer in layers:
        three = [calls[layer.row] for calls in (first, now, between)]
        before, after, crossed = (
            calls.outputs[0] - _bias(calls.bias, layer, calls.outputs[0]) for calls in three
        )
        effective, propagating = after - crossed, crossed - before
        torch.testing.assert_close(effective + propagating, after - before, rtol=1e-12, atol=1e-12)
        size = effective.movedim(layer.features, -1).flatten(0, -2).square().mean(1).sqrt().mean()
        assert rows[layer.row]["effective"] == pytest.approx(float(size), rel=1e-12)


def _bias(bias, layer, output):
    if bias is None or layer.bias is None:
        return 0.0
    shape = [1] * output.ndim
    shape[layer.features] = -1
    return bias.reshape(shape)


def test_the_model_is_not_changed(convolutional, inputs):
    before = copy.deepcopy(convolutional.state_dict())
    watch = Coordinates(convolutional)
    watch.measure(inputs, targets=torch.zeros(5, 4, dtype=torch.float64), loss="mse", alignment=True)
    assert all(torch.equal(value, before[name]) for name, value in convolutional.state_dict().items())
    assert all(weight.requires_grad and weight.grad is None for weight in convolutional.parameters())


def test_an_untrained_model_has_not_moved(convolutional, inputs):
    rows = Coordinates(convolutional).measure(inputs).rows
    assert {row["effective"] for row in rows.values()} == {0.0}
    assert {row["total"] for row in rows.values()} == {0.0}


def test_restart_compares_with_the_present(convolutional, inputs):
    watch = Coordinates(convolutional)
    trained(convolutional, inputs)
    assert watch.measure(inputs).rows["4.weight"]["effective"] > 0
    watch.restart()
    assert watch.measure(inputs).rows["4.weight"]["effective"] == 0.0


def test_identity_of_every_gauge():
    """Sizes and alignments are those of multiplier times weight, however a parametrization is written."""
    found = []
    for gauge in ("no-multipliers", "unit-variance"):
        rule = named(mlp(3), "mup", "sgd").in_gauge(gauge)
        model = nets.parametrize(partial(nets.models.mlp, 3), rule, width=16, inputs=3, outputs=2)
        watch, inputs = (
            Coordinates(model),
            torch.randn(9, 3, generator=torch.Generator().manual_seed(0)).double(),
        )
        optimizer = torch.optim.SGD(model.parameter_groups(lr=0.1))
        for _ in range(2):
            optimizer.zero_grad()
            model(inputs).square().mean().backward()
            optimizer.step()
        found.append(watch.measure(inputs, alignment=True).rows)
    assert list(found[0]) == ["input.weight", "hidden.0.weight", "readout.weight"]
    for name, row in found[0].items():
        assert row == pytest.approx(found[1][name], rel=1e-8), name


def test_embeddings_have_an_effective_update_only():
    torch.manual_seed(0)
    model, tokens = nets.models.gpt(1, 16, 4, 11), torch.randint(0, 11, (3, 4))
    watch = Coordinates(model)
    trained(model, tokens)
    rows = watch.measure(tokens).rows
    assert set(rows["embedding.weight"]) == {"effective", "total", "activation"}
    assert rows["blocks.0.attention.norm.weight"]["effective"] > 0
    assert rows["blocks.0.mlp.up.weight"]["propagating"] > 0


def test_modules_that_take_no_single_tensor_are_skipped_and_listed():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention, self.out = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 2)

        def forward(self, x):
            return self.out(self.attention(x, x, x)[0])

    watch = Coordinates(Model())
    assert set(watch.measure(torch.randn(2, 3, 4)).rows) == {"out.weight", "out.bias"}
    assert watch.skipped["attention.out_proj.weight"] == "its forward is not called"


def test_a_number_that_is_not_finite_is_traced_to_the_first_layer():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2))
    watch = Coordinates(model)
    with torch.no_grad():
        model[1].weight.fill_(torch.inf)
    reading = watch.measure(torch.ones(1, 2))
    assert (reading.rows, reading.nonfinite) == ({}, "1.weight")


def test_control_a_random_forward_is_refused():
    model = nn.Sequential(nn.Linear(20, 20), nn.Dropout(0.5), nn.Linear(20, 2))
    with pytest.raises(ValueError, match="forward must not be random"):
        Coordinates(model).measure(torch.ones(4, 20))
    assert Coordinates(model.eval()).measure(torch.ones(4, 20)).rows


def test_a_model_that_is_not_finite_from_the_start_is_no_random_one():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    with torch.no_grad():
        model[0].weight[0, 0] = torch.nan
    assert Coordinates(model).measure(torch.ones(1, 2)).nonfinite == "0.weight"


def test_control_randomness_behind_the_last_layer_is_seen_and_the_generator_left_alone():
    model, state = nn.Sequential(nn.Linear(20, 20), nn.Dropout(0.5)), torch.get_rng_state()
    with pytest.raises(ValueError, match="must not be random; its outputs differ between two calls"):
        Coordinates(model).measure(torch.ones(4, 20))
    assert torch.equal(torch.get_rng_state(), state)


def test_a_layer_that_is_called_by_keyword_says_so():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.out = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            return self.out(self.inner(input=x))

    watch = Coordinates(Model())
    watch.measure(torch.ones(1, 2))
    assert watch.skipped == {"inner.weight": "it is called by keyword (input), and not with one tensor"}


def test_models_that_cant_be_called_with_other_weights_are_refused():
    with pytest.raises(ValueError, match=r"given DataParallel: pass model\.module"):
        Coordinates(nn.DataParallel(nn.Linear(2, 2)))
    with pytest.raises(ValueError, match="of a lazy module: call it once first"):
        Coordinates(nn.Sequential(nn.LazyLinear(2)))


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match=r"^Coordinates: model must be a torch.nn.Module; given int$"):
        Coordinates(3)
    with pytest.raises(ValueError, match=r"^Coordinates: model must have parameters; given one without any$"):
        Coordinates(nn.Tanh())
