"""Training on batches: plain torch step by step, what is observed, and what is said when numbers overflow."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from scalewright import nets


def digits(samples=256, targets="one-hot", dtype=torch.float64):
    return nets.data.load("digits", samples=samples, targets=targets, dtype=dtype, device="cpu")


def network(depth=5, **options):
    return nets.models.batchnorm_mlp(depth, 16, 64, 10, dtype=torch.float64, **options)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_oracle_plain_torch_takes_the_same_steps(momentum):
    """Independent: a loop of torch's own loss and optimizer over the batches of the same order."""
    data, ours, theirs = digits(), network(), network()
    path = nets.minibatch.train(ours, data, epochs=2, batch=60, lr=0.05, momentum=momentum, seed=1)
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.05, momentum=momentum)
    stream, labels = np.random.default_rng(np.random.SeedSequence([1, 0xBA7C])), data.targets.argmax(-1)
    losses = []
    for _ in range(2):
        order = stream.permutation(256)
        for first in range(0, 240, 60):
            taken = torch.from_numpy(order[first : first + 60])
            loss = functional.cross_entropy(theirs(data.inputs[taken]), labels[taken])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
    np.testing.assert_allclose(path.loss.values[1:], np.reshape(losses, (2, 4)).mean(1), rtol=1e-10)
    for name, weight in ours.named_parameters():
        torch.testing.assert_close(weight, theirs.get_parameter(name))


def test_digits_are_learnt_and_held_out_ones_are_read():
    everything = digits(1797)
    data = (everything.inputs[:1500], everything.targets[:1500])
    held = (everything.inputs[1500:], everything.targets[1500:])
    path = nets.minibatch.train(network(10), data, epochs=4, batch=64, lr=0.05, test=held)
    assert float(path.accuracy[0]) < 0.4 < 0.85 < float(path.accuracy[-1])
    assert float(path.test_accuracy[-1]) > 0.7
    assert path.attrs["status"] == "complete"


def test_control_a_rate_of_almost_zero_learns_nothing():
    path = nets.minibatch.train(network(10), digits(1024), epochs=2, batch=64, lr=1e-9)
    assert float(path.accuracy[-1]) < 0.4


def test_identity_what_is_observed_by_layer():
    """The gradient's norm, the gap of the representation and of the weights, each by the plain definition."""
    model, data = network(3), digits(64)
    path = nets.minibatch.train(model, data, epochs=0, batch=20, lr=1.0, observe_at=[0])
    x, labels = data.inputs[:20], data.targets[:20].argmax(-1)
    functional.cross_entropy(model(x), labels).backward()
    for index, layer in enumerate(model.layers):
        x = layer(x)
        expected = {
            "log_gradient": layer.weight.grad.norm().log(),
            "isometry_gap": gap(x.T.detach()),
            "weight_gap": gap(layer.weight.detach()),
        }
        for name, value in expected.items():
            assert float(path[name][0, index]) == pytest.approx(float(value), abs=1e-10), name
    assert path.sizes["layer"] == 4


def gap(matrix):
    gram = matrix @ matrix.T
    return (gram.trace() / len(gram)).log() - torch.linalg.slogdet(gram)[1] / len(gram)


def test_layers_are_those_with_a_matrix():
    """Norms with gains alone are passed over, convolutions count with their kernels flattened."""
    model = torch.nn.Sequential(
        torch.nn.Unflatten(1, (1, 8, 8)),
        torch.nn.Conv2d(1, 3, 3),
        torch.nn.Flatten(),
        torch.nn.LayerNorm(108),
        torch.nn.Linear(108, 10),
    ).double()
    path = nets.minibatch.train(model, digits(64), epochs=0, batch=16, lr=1.0, observe_at=[0])
    assert path.sizes["layer"] == 2
    assert np.isfinite(path.weight_gap.values).all()


def test_a_representation_without_full_rank_has_an_infinite_gap():
    data = digits(64)
    repeated = (data.inputs[torch.arange(64) % 8], data.targets[torch.arange(64) % 8])
    path = nets.minibatch.train(network(3), repeated, epochs=0, batch=32, lr=1.0, observe_at=[0])
    assert np.isinf(path.isometry_gap.values[0, :3]).all()


def test_observing_changes_nothing():
    """Same weights, same running averages, to the byte."""
    models = [network(4, evaluation="running") for _ in range(2)]
    for model, at in zip(models, ([], [0, 1, 2]), strict=True):
        nets.minibatch.train(model, digits(), epochs=2, batch=64, lr=0.05, observe_at=at, test=digits())
    for name, tensor in models[0].state_dict().items():
        assert torch.equal(tensor, models[1].state_dict()[name]), name


def test_float32_overflow_is_said_and_stops_the_run():
    """A thousand unshaped layers: the gradient is larger than float32 holds, though the loss is ordinary."""
    model = nets.models.batchnorm_mlp(600, 16, 64, 10, activation="sin", gain=1.5)
    path = nets.minibatch.train(
        model, digits(64, dtype=torch.float32), epochs=2, batch=16, lr=1e-3, observe_at=[0, 1]
    )
    assert int(path.diverged_at) == 0
    assert path.attrs["status"].startswith(
        "float32 overflow at update 0: the gradient of layers.0.weight and "
    )
    assert np.isinf(path.log_gradient.values[0, 0])
    assert np.isnan(path.loss.values[1:]).all()
    exact = nets.models.batchnorm_mlp(600, 16, 64, 10, activation="sin", gain=1.5, dtype=torch.float64)
    seen = nets.minibatch.train(exact, digits(64), epochs=0, batch=16, lr=1e-3, observe_at=[0])
    assert 88 < float(seen.log_gradient[0, 0]) < 709


def test_a_loss_that_is_not_finite_is_said():
    model = network(3)
    with torch.no_grad():
        model.readout.weight.fill_(float("inf"))
    path = nets.minibatch.train(model, digits(64), epochs=1, batch=32, lr=0.1)
    assert path.attrs["status"] == "diverged at update 0: the loss is not finite; use a smaller rate"


def test_accuracy_counts_every_sample_once():
    """Seven samples in batches of three: the last batch is filled up from the front."""
    data = digits(7)
    model, labels = network(3), data.targets.argmax(-1)
    taken = [torch.tensor(index) for index in ([0, 1, 2], [3, 4, 5], [6, 0, 1])]
    hits = [(model(data.inputs[i]).argmax(-1) == labels[i]).double() for i in taken]
    expected = float(torch.cat([hits[0], hits[1], hits[2][:1]]).mean())
    assert nets.minibatch.accuracy(model, data, batch=3) == expected


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"epochs": -1}, "epochs must be an integer of at least 0; given -1"),
        ({"batch": 0}, "batch must be an integer of at least 1; given 0"),
        ({"batch": 300}, "batch must be at most 256, the number of samples; given 300"),
        ({"lr": 0.0}, "lr must be positive and finite; given 0.0"),
        ({"momentum": 1.0}, r"momentum must lie in \[0, 1\); given 1.0"),
        ({"observe_at": [3]}, "observe_at must hold epochs between 0 and 2; given 3"),
        ({"quantities": ["rank"]}, "every quantity must be one of log_gradient, isometry_gap, weight_gap"),
        ({"loss": "hinge"}, "loss must be one of 'mse', 'cross-entropy'; given 'hinge'"),
    ],
)
def test_bad_input_gets_one_sentence(options, said):
    with pytest.raises(ValueError, match=said):
        nets.minibatch.train(network(2), digits(), **({"epochs": 2, "batch": 64, "lr": 0.1} | options))
