"""The program of losses and gradients: members one by one, finite differences, compiled and not."""

import re
from functools import partial

import pytest
import torch

from scalewright import nets, theory
from scalewright.nets.losses import LOSSES
from scalewright.nets.program import Program


def arguments(networks, data):
    """Return what a program takes, at the present weights."""
    return networks.parameters, networks.multipliers, *data


def test_oracle_gradients_are_those_of_single_modules(ensemble, parametrization, data):
    """Oracle: `parametrize`d modules and `backward`, 1e-12 in float64; the parameters are left alone."""
    networks = ensemble(seeds=(4, 5))
    losses, gradients = Program(networks.model, LOSSES["mse"])(*arguments(networks, data))
    assert not any(weight.requires_grad for weight in networks.parameters.values())
    for member, seed in enumerate((4, 5)):
        build = partial(nets.models.mlp, 3, activation="tanh")
        sizes = {"width": 8, "inputs": 3, "outputs": 2, "device": "cpu"}
        module = nets.parametrize(build, parametrization(3), **sizes, seed=seed)
        loss = (module(data[0]) - data[1]).square().sum() / 12
        loss.backward()
        torch.testing.assert_close(losses[member], loss.detach(), rtol=1e-12, atol=0)
        for name, weight in module.model.named_parameters():
            torch.testing.assert_close(gradients[name][member], weight.grad, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ["mse", "cross-entropy"])
def test_oracle_gradient_is_the_loss_difference(ensemble, data, labels, name):
    """Oracle: central differences along a random direction, to their own error of order h^2 = 1e-10."""
    networks = ensemble()
    batch = data if name == "mse" else labels
    program = Program(networks.model, LOSSES[name])
    _, gradients = program(*arguments(networks, batch))
    generator, h = torch.Generator().manual_seed(0), 1e-5
    along = {n: torch.randn(w.shape, generator=generator).double() for n, w in networks.parameters.items()}
    ahead, behind = (
        program(
            {n: w + sign * h * along[n] for n, w in networks.parameters.items()},
            networks.multipliers,
            *batch,
        )[0]
        for sign in (1, -1)
    )
    slopes = sum((gradients[n] * along[n]).flatten(1).sum(1) for n in along)
    torch.testing.assert_close((ahead - behind) / (2 * h), slopes, rtol=1e-7, atol=1e-9)


def test_identity_samples_of_ones_own_are_a_loop_over_members(ensemble, data):
    """Identity to rounding (1e-12): `shared=False`, with outputs to subtract as well."""
    networks = ensemble(seeds=(0, 1, 2))
    inputs = torch.stack([data[0], 2 * data[0], data[0] - 1])
    targets = torch.stack([data[1], -data[1], data[1]])
    offset = torch.randn(3, 6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    program = Program(networks.model, LOSSES["mse"])
    together = program(*arguments(networks, (inputs, targets)), offset, shared=False)
    for member in range(3):
        one = networks.select([member])
        own = offset[member : member + 1]
        alone = program(*arguments(one, (inputs[member], targets[member])), own)
        torch.testing.assert_close(together[0][member], alone[0][0], rtol=1e-12, atol=0)
        for name, gradient in alone[1].items():
            torch.testing.assert_close(together[1][name][member], gradient[0], rtol=1e-12, atol=1e-15)


def test_identity_the_two_forms_of_the_gradient_agree(ensemble, data):
    """Identity to rounding (1e-12): what is compiled, run as it stands, is what runs without a compiler."""
    networks = ensemble()
    program = Program(networks.model, LOSSES["mse"])
    eager = program._eager(*arguments(networks, data), None, True)
    other = program._gradient(*arguments(networks, data), None, True)
    torch.testing.assert_close(eager, other, rtol=1e-12, atol=1e-15)


def test_identity_a_parameter_that_is_not_used_has_gradient_0(data):
    """Identity: zeros of its shape, and no None."""

    class Idle(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = torch.nn.Linear(3, 2, bias=False), torch.nn.Linear(3, 2, bias=False)

        def forward(self, inputs):
            return self.used(inputs)

    networks = nets.Ensemble.single(Idle().double())
    _, gradients = Program(networks.model, LOSSES["mse"])(*arguments(networks, data))
    assert gradients["idle.weight"].shape == (1, 2, 3)
    assert gradients["idle.weight"].abs().max() == 0
    assert gradients["used.weight"].abs().max() > 0


@pytest.mark.parametrize("kind", ["mlp", "convnet", "gpt"])
def test_identity_a_member_does_not_see_its_companions(kind):
    """Identity, to the byte in float32: another slot and other companions, the number of slots the same.

    13 samples and odd sizes leave remainders for whatever the machine adds or multiplies several at a time.
    """
    generator = torch.Generator().manual_seed(0)
    match kind:
        case "mlp":
            build, rules = nets.models.mlp, theory.mlp(3, activation="gelu")
            build = partial(build, 3, activation="gelu")
            sizes = {"width": 7, "inputs": 5, "outputs": 3}
        case "convnet":
            build, rules = partial(nets.models.convnet, 3), theory.convnet(3)
            sizes = {"width": 5, "inputs": 25, "outputs": 3}
        case _:
            build, rules = partial(nets.models.gpt, 1), theory.gpt()
            sizes = {"width": 6, "inputs": 5, "outputs": 11}
    inputs = torch.randn(13, sizes["inputs"], generator=generator)
    targets = torch.randn(13, 3, generator=generator)
    loss = LOSSES["mse"]
    if kind == "gpt":
        inputs, targets = torch.randint(11, (2, 13, 5), generator=generator)
        loss = LOSSES["cross-entropy"]
    networks = nets.Ensemble.of(
        build,
        theory.named(rules, "mup", "sgd"),
        **sizes,
        seeds=range(8),
        dtype=torch.float32,
        device="cpu",
    )
    program = Program(networks.model, loss)
    losses, gradients = program(*arguments(networks, (inputs, targets)))
    for order in ([3, 1, 0, 2, 7, 6, 5, 4], [5, 5, 5, 0, 5, 5, 5, 5]):
        moved_losses, moved = program(*arguments(networks.select(order), (inputs, targets)))
        assert torch.equal(moved_losses, losses[order])
        for name, gradient in gradients.items():
            assert torch.equal(moved[name], gradient[order])


def test_a_model_that_cant_be_compiled(ensemble, data):
    """Property: one sentence with the compiler's first line; control: it runs without."""

    class Reading(nets.models.MLP):
        def forward(self, inputs):
            torch._dynamo.graph_break()
            return super().forward(inputs)

    networks = ensemble()
    networks.model = Reading(3, 8, 3, 2, "tanh", False).double()
    with pytest.raises(ValueError, match=r"^compiled=True: the model can't be compiled here ") as raised:
        Program(networks.model, LOSSES["mse"], compiled=True)(*arguments(networks, data))
    sentence = r"compiled=True: the model can't be compiled here \(.+\); train it with compiled=False"
    assert re.fullmatch(sentence, str(raised.value))
    losses, _ = Program(networks.model, LOSSES["mse"])(*arguments(networks, data))
    assert losses.isfinite().all()


def test_errors_that_are_not_the_compilers_pass_through(ensemble, data):
    """Property: an error of the loss itself is not said to be the compiler's."""
    networks = ensemble()
    with pytest.raises(RuntimeError, match="must match the size"):
        Program(networks.model, LOSSES["mse"])(*arguments(networks, (data[0], data[1][:, :1].T)))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("backend='inductor' raised:\nCppCompileError: no g++\n\nSet ...", "CppCompileError: no g++"),
        ("", "InternalTorchDynamoError"),
    ],
)
def test_the_compilers_reason_is_the_line_that_says_something(ensemble, data, words, said):
    """Property: the whole sentence."""
    networks = ensemble()
    program = Program(networks.model, LOSSES["mse"])

    def fail(*_):
        raise torch._dynamo.exc.InternalTorchDynamoError(words)

    program._run = fail
    sentence = f"compiled=True: the model can't be compiled here ({said}); train it with compiled=False"
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        program(*arguments(networks, data))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, of what its compiler imports
def test_identity_compiled_is_eager(ensemble, data):
    """Identity to rounding (1e-10 in float64): losses and gradients, for two numbers of members in turn."""
    networks = ensemble(seeds=(0, 1, 2))
    compiled = Program(networks.model, LOSSES["mse"], compiled=True)
    eager = Program(networks.model, LOSSES["mse"])
    for chosen in (networks, networks.select([2, 0])):
        found, expected = compiled(*arguments(chosen, data)), eager(*arguments(chosen, data))
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-13)
    path = nets.train(networks, data, steps=3, compiled=True)
    again = nets.train(ensemble(seeds=(0, 1, 2)), data, steps=3)
    torch.testing.assert_close(
        torch.tensor(path.loss.values), torch.tensor(again.loss.values), rtol=1e-9, atol=0
    )
