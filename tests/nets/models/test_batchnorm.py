"""Batch-normalised perceptrons: the formula by numpy, torch's own layer, evaluation, weights."""

import numpy as np
import pytest
import torch
from torch import nn

from scalewright import nets

BATCH = np.random.default_rng(0).standard_normal((7, 5))
FUNCTIONS = {"linear": lambda x: x, "tanh": np.tanh, "sin": np.sin, "relu": lambda x: np.maximum(x, 0)}


def built(depth=3, width=6, **options):
    return nets.models.batchnorm_mlp(depth, width, 5, 4, dtype=torch.float64, **options)


@pytest.mark.parametrize("activation", FUNCTIONS)
@pytest.mark.parametrize("centred", [False, True])
def test_oracle_the_formula_in_numpy(activation, centred):
    """Independent: features as rows, numpy, one line a step."""
    gains = [1.0, 0.5, 0.25]
    model = built(activation=activation, centred=centred, gain=gains)
    x = BATCH.T
    for layer, gain in zip(model.layers, gains, strict=True):
        rows = layer.weight.detach().numpy() @ x
        rows = rows - rows.mean(1, keepdims=True) if centred else rows
        x = FUNCTIONS[activation](gain * rows / np.sqrt((rows**2).mean(1, keepdims=True)))
    expected = (model.readout.weight.detach().numpy() @ x).T
    np.testing.assert_allclose(model(torch.from_numpy(BATCH)).detach().numpy(), expected, rtol=1e-12)


def test_oracle_torchs_own_layer():
    """Independent: torch's BatchNorm1d, in training and after; its running variance is the unbiased one."""
    model = built(depth=1, centred=True, evaluation="running", eps=1e-5)
    theirs = nn.BatchNorm1d(6, affine=False, eps=1e-5, dtype=torch.float64)
    layer, x = model.layers[0], torch.from_numpy(BATCH)
    torch.testing.assert_close(layer(x), theirs(x @ layer.weight.T))
    torch.testing.assert_close(layer.mean, theirs.running_mean)
    torch.testing.assert_close((layer.square - 0.9) * 7 / 6, theirs.running_var - 0.9)
    theirs.running_var.copy_(layer.square)
    model.eval(), theirs.eval()
    torch.testing.assert_close(layer(x[:1]), theirs(x[:1] @ layer.weight.T))


def test_evaluation_by_the_batch_is_that_of_training_and_keeps_nothing():
    model, x = built(), torch.from_numpy(BATCH)
    assert not list(model.buffers())
    before = model(x)
    assert torch.equal(before, model.eval()(x))
    assert not torch.allclose(model(x[:3])[0], before[0])


def test_evaluation_by_running_averages_takes_samples_one_by_one():
    model, x = built(evaluation="running"), torch.from_numpy(BATCH)
    for _ in range(100):
        model(x)
    model.eval()
    torch.testing.assert_close(torch.cat([model(row[None]) for row in x]), model(x))
    torch.testing.assert_close(model(x), model.train()(x), rtol=1e-3, atol=1e-3)


def test_the_choice_of_statistics_can_be_made_anew():
    model, x = built(evaluation="running"), torch.from_numpy(BATCH)
    by_batch = model(x)
    model.eval()
    assert not torch.allclose(model(x), by_batch)
    model.evaluate_by("batch")
    torch.testing.assert_close(model(x), by_batch)
    with pytest.raises(
        ValueError, match="needs running averages; build the network with evaluation='running'"
    ):
        built().evaluate_by("running")


def test_identity_orthogonal_weights():
    model = built(depth=2, width=6)
    first, second = (layer.weight.detach() for layer in model.layers)
    torch.testing.assert_close(first.T @ first, torch.eye(5, dtype=torch.float64))
    torch.testing.assert_close(second @ second.T, torch.eye(6, dtype=torch.float64))
    wide = nets.models.batchnorm_mlp(1, 3, 5, 2, dtype=torch.float64).layers[0].weight.detach()
    torch.testing.assert_close(wide @ wide.T, torch.eye(3, dtype=torch.float64))


def test_gaussian_weights_have_variance_one_over_their_inputs():
    model = nets.models.batchnorm_mlp(2, 200, 50, 3, weights="gaussian")
    for layer, inputs in zip(model.layers, (50, 200), strict=True):
        variance = float(layer.weight.detach().var()) * inputs
        assert abs(variance - 1) < 4 * np.sqrt(2 / layer.weight.numel())


def test_a_seed_gives_the_same_bytes_and_moves_no_global_generator():
    before = torch.get_rng_state()
    one, two, other = built(seed=3), built(seed=3), built(seed=4)
    assert torch.equal(before, torch.get_rng_state())
    for name, weight in one.named_parameters():
        assert torch.equal(weight, two.get_parameter(name))
        assert not torch.equal(weight, other.get_parameter(name))


def test_a_network_of_a_thousand_layers_is_linear_in_its_depth():
    model = nets.models.batchnorm_mlp(1000, 8, 8, 2)
    outputs = model(torch.randn(8, 8, generator=torch.Generator().manual_seed(0)))
    outputs.square().sum().backward()
    assert model.depth == 1000
    assert bool(outputs.isfinite().all())
    assert float(model.layers[0].weight.grad.norm()) > 0


def test_an_ensemble_takes_it_and_its_hessian_is_that_of_autograd():
    """Two derivatives pass through the normalization."""
    model, x = built(depth=2, width=3), torch.from_numpy(BATCH)
    targets = torch.from_numpy(np.random.default_rng(1).standard_normal((7, 4)))
    found = nets.sharpness(model, "mse", (x, targets), k=1, tolerance=1e-8)
    names = [name for name, _ in model.named_parameters()]
    weights = tuple(weight.detach() for weight in model.parameters())

    def loss(*values):
        outputs = torch.func.functional_call(model, dict(zip(names, values, strict=True)), (x,))
        return (outputs - targets).square().sum() / 14

    blocks = torch.autograd.functional.hessian(loss, weights)
    sizes = [weight.numel() for weight in weights]
    rows = [torch.cat([b.reshape(s, -1) for b in row], 1) for s, row in zip(sizes, blocks, strict=True)]
    expected = torch.linalg.eigvalsh(torch.cat(rows))[-1]
    assert float(found.values[0, 0]) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"depth": 0}, "depth must be an integer of at least 1; given 0"),
        ({"width": -2}, "width must be an integer of at least 1; given -2"),
        ({"activation": "gelu"}, "activation must be one of linear, tanh, sin, relu; given 'gelu'"),
        ({"weights": "haar"}, "weights must be one of orthogonal, gaussian; given 'haar'"),
        ({"evaluation": "none"}, "evaluation must be one of batch, running; given 'none'"),
        ({"gain": [1.0, 1.0]}, r"gain must be a number, or one a layer \(3\); given \[1.0, 1.0\]"),
        ({"gain": -1.0}, "gain must be positive and finite; given -1.0"),
        ({"eps": -1e-5}, "eps must be non-negative and finite; given -1e-05"),
    ],
)
def test_bad_input_gets_one_sentence(options, said):
    with pytest.raises(ValueError, match=said):
        built(**options)
