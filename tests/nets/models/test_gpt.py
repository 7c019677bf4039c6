"""The transformer: torch's fused functions as oracle, causality, sizes at initialisation, bad input."""

import math
import re
from functools import partial

import pytest
import torch
from torch.nn import functional

from scalewright import nets, theory
from scalewright.nets.models import HasGains, gpt
from scalewright.nets.observe import activations

RULES = {name: theory.named(theory.gpt(), "mup", name) for name in ("sgd", "adamw")}


def tokens(samples, context, vocabulary, seed=0):
    """Return tokens and the next ones."""
    generator = torch.Generator().manual_seed(seed)
    text = torch.randint(vocabulary, (samples, context + 1), generator=generator)
    return text[:, :-1], text[:, 1:]


def test_identity_parameter_names_are_those_of_the_architecture():
    """Identity: theory's one block stands for all of them."""
    names = {name for name, _ in gpt(3, 16, 4, 7).named_parameters()}
    known = {node.name for node in theory.gpt().parameters}
    shared = {name for name in known if not name.startswith("blocks.")}
    blocks = {name.replace("blocks.", f"blocks.{index}.") for name in known - shared for index in range(3)}
    assert names == shared | blocks


@pytest.mark.parametrize("width", [6, 32])
def test_oracle_forward_by_torchs_fused_functions(width):
    """Oracle: fused causal attention with heads of 16 (one of 6 below that), 1e-12 in float64."""
    model = gpt(2, width, 5, 7).double()
    inputs, _ = tokens(3, 5, 7)
    p = dict(model.named_parameters())
    stream = p["embedding.weight"][inputs] + p["positions.weight"]
    heads = max(1, width // 16)
    for block in ("blocks.0", "blocks.1"):
        norm = [p[f"{block}.attention.norm.{kind}"] for kind in ("weight", "bias")]
        features = functional.layer_norm(stream, (width,), *norm)
        query, key, value = (
            (features @ p[f"{block}.attention.{name}.weight"].T)
            .reshape(3, 5, heads, width // heads)
            .permute(0, 2, 1, 3)
            for name in ("query", "key", "value")
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        mixed = mixed.permute(0, 2, 1, 3).reshape(3, 5, width)
        stream = stream + mixed @ p[f"{block}.attention.output.weight"].T
        norm = [p[f"{block}.mlp.norm.{kind}"] for kind in ("weight", "bias")]
        features = functional.layer_norm(stream, (width,), *norm)
        stream = (
            stream
            + functional.gelu(features @ p[f"{block}.mlp.up.weight"].T) @ p[f"{block}.mlp.down.weight"].T
        )
    features = functional.layer_norm(stream, (width,), p["norm.weight"], p["norm.bias"])
    expected = features @ p["readout.weight"].T
    torch.testing.assert_close(model(inputs), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("place", [1, 3])
def test_identity_later_tokens_do_not_change_earlier_logits(place):
    """Identity to rounding; control: the logits from there on do change, all of them."""
    model = gpt(2, 16, 5, 7).double()
    inputs, _ = tokens(4, 5, 7)
    other = inputs.clone()
    other[:, place:] = (other[:, place:] + 1) % 7
    before, after = model(inputs), model(other)
    assert before.shape == (4, 5, 7)
    torch.testing.assert_close(after[:, :place], before[:, :place], rtol=1e-12, atol=1e-13)
    assert not torch.isclose(after[:, place:], before[:, place:], rtol=1e-6).all(-1).any()


def test_identity_shorter_contexts_are_the_beginning_of_longer_ones():
    """Identity to rounding: the logits of the first tokens alone."""
    model = gpt(1, 16, 5, 7).double()
    inputs, _ = tokens(4, 5, 7)
    torch.testing.assert_close(model(inputs[:, :3]), model(inputs)[:, :3], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("width", [16, 64])
def test_property_every_matrix_keeps_the_mean_square_at_initialisation(width):
    """Property: of its inputs, within 4 standard errors of 40 networks; the readout divides it by the width.

    E over a matrix is exact at every width. Control: without its gain, `mlp.down` multiplies it by 4.
    """
    inputs, _ = tokens(4, 6, 11)
    for gain in ("auto", 1.0):
        networks = nets.Ensemble.of(
            partial(gpt, 1),
            RULES["sgd"],
            width=width,
            inputs=6,
            outputs=11,
            seeds=range(40),
            gain=gain,
            device="cpu",
        )
        found = activations(networks, inputs)
        for name, module in networks.model.named_modules():
            if not isinstance(module, torch.nn.Linear):
                continue
            record = found[name]
            squares = [part[-1].square().flatten(1).mean(1) for part in (record.outputs, record.inputs)]
            ratio = squares[0] / squares[1] * (width if name == "readout" else 1)
            control = gain == 1.0 and name.endswith("down")
            assert abs(ratio.mean() - (4 if control else 1)) < 4 * ratio.std() / math.sqrt(40), name
        for name in ("embedding", "positions"):
            squares = found[name].outputs[-1].square().flatten(1).mean(1)
            assert abs(squares.mean() - 1) < 4 * squares.std() / math.sqrt(40)


def test_property_stream_of_several_blocks_stays_of_order_1():
    """Property: what a block adds has a mean square between those that the norm allows, at both widths."""
    inputs, _ = tokens(4, 6, 11)
    sizes = []
    for width in (16, 128):
        networks = nets.Ensemble.of(
            partial(gpt, 2), RULES["sgd"], width=width, inputs=6, outputs=11, seeds=range(8), device="cpu"
        )
        found = activations(networks, inputs, ["blocks.0", "blocks.1", "norm"])
        sizes.append([found[name].outputs[-1].square().mean().sqrt().item() for name in found])
    for narrow, wide in zip(*sizes, strict=True):
        assert 0.5 < wide < 10
        assert 0.7 < wide / narrow < 1.4  # 8 times the width; a size that grew like its root gave 2.8


@pytest.mark.parametrize("optimizer", RULES)
def test_oracle_members_are_single_torch_networks(optimizer):
    """Oracle: `parametrize`d modules under torch's optimizer, 3 steps of each member, 1e-8 in float64.

    AdamW divides by the root of squares, which multiplies rounding where a gradient is almost 0.
    """
    build = partial(gpt, 2)
    sizes = {"width": 8, "inputs": 4, "outputs": 7, "device": "cpu"}
    inputs, targets = tokens(5, 4, 7)
    networks = nets.Ensemble.of(build, RULES[optimizer], **sizes, seeds=(0, 1), lrs=(0.01,))
    path = nets.train(networks, (inputs, targets), steps=3, loss="cross-entropy")
    for member in range(2):
        module = nets.parametrize(build, RULES[optimizer], **sizes, seed=member)
        kind, decay = (
            (torch.optim.SGD, {}) if optimizer == "sgd" else (torch.optim.AdamW, {"weight_decay": 0})
        )
        steps = kind(module.parameter_groups(0.01), **decay)
        losses = []
        for _ in range(4):
            steps.zero_grad()
            loss = functional.cross_entropy(module(inputs).flatten(0, 1), targets.flatten())
            losses.append(loss.item())
            loss.backward()
            steps.step()
        assert path.loss.values[member, 0].tolist() == pytest.approx(losses, rel=1e-8)
        assert losses[3] < losses[0]


def test_identity_gains():
    """Identity: 1/2 on what reads four widths, nothing else."""
    model = gpt(2, 16, 4, 7)
    assert isinstance(model, HasGains)
    assert model.gains() == {f"blocks.{index}.mlp.down.weight": 0.5 for index in range(2)}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, 16, 4, 7), "gpt: layers must be at least 1; given 0"),
        ((1, 0, 4, 7), "gpt: width must be at least 1; given 0"),
        ((1, 16, 4, 0), "gpt: outputs must be at least 1; given 0"),
        ((1, 24, 4, 7), "gpt: width must be at most 16 or a multiple of it; given 24"),
    ],
)
def test_bad_input(arguments, sentence):
    """Property: the whole sentence."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        gpt(*arguments)
