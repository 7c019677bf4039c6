"""A parametrization put on a model: multipliers, deviations, groups; the model stays plain."""

import re
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from scalewright import nets, theory
from scalewright.nets.initial import standard_normal
from scalewright.nets.parametrize import numbers_of
from scalewright.theory import Power

BUILD = partial(nets.models.mlp, 3, activation="relu")
SIZES = {"width": 16, "inputs": 3, "outputs": 2, "device": "cpu"}


def test_oracle_forward_multiplies_every_weight(parametrization, data):
    """Oracle: numpy with multiplier * std * gain * normal numbers, no torch module involved."""
    rules = parametrization(3, "relu")
    network = nets.parametrize(BUILD, rules, **SIZES, gamma=0.5, seed=3)
    numbers = rules.at(width=16, inputs=3, outputs=2, gamma=0.5)
    gains = {"input.weight": 1.0, "hidden.0.weight": np.sqrt(2), "readout.weight": np.sqrt(2)}
    shapes = {"input.weight": (16, 3), "hidden.0.weight": (16, 16), "readout.weight": (2, 16)}
    features = data[0].numpy().T
    for name, shape in shapes.items():
        weight = standard_normal(shape, seed=3, name=name, width=16)
        features = numbers[name].multiplier * numbers[name].init_std * gains[name] * weight @ features
        features = features if name == "readout.weight" else np.maximum(features, 0)
    np.testing.assert_allclose(network(data[0]).detach(), features.T, rtol=1e-12)


def test_identity_one_step_of_torch_sgd_is_one_step_of_train(parametrization, data):
    """Identity: `parameter_groups` and the ensemble move the same weights alike, under Adam too."""
    for optimizer, kind in (("sgd", torch.optim.SGD), ("adam", torch.optim.Adam)):
        rules = parametrization(3, "tanh", optimizer=optimizer)
        build = partial(nets.models.mlp, 3, activation="tanh")
        network = nets.parametrize(build, rules, **SIZES)
        ensemble = nets.Ensemble.of(build, rules, **SIZES, lrs=(0.05,))
        before = ensemble.weights()[0]
        steps = kind(network.parameter_groups(0.05))
        for _ in range(3):
            steps.zero_grad()
            ((network(data[0]) - data[1]).square().sum() / 12).backward()
            steps.step()
        nets.train(ensemble, data, steps=3)
        after = ensemble.weights()[0]
        for name, weight in network.model.named_parameters():
            np.testing.assert_allclose(after[name], weight.detach(), rtol=1e-9, atol=1e-12)
            assert not np.allclose(before[name], after[name])  # control: something was learned


def test_identity_the_users_model_is_not_changed(parametrization):
    """Identity: a builder that hands out one and the same module finds its bytes as they were."""
    mine = nets.models.mlp(3, 16, 3, 2, "relu")
    before = {name: value.numpy().tobytes() for name, value in mine.state_dict().items()}
    network = nets.parametrize(lambda: mine, parametrization(3, "relu"), **SIZES)
    after = {name: value.numpy().tobytes() for name, value in mine.state_dict().items()}
    assert before == after
    assert network.model is not mine
    assert not any(vars(weight) for weight in mine.parameters())


def test_identity_centred_outputs_vanish_at_initialisation(parametrization, data):
    """Identity f - f_0 = 0; control: not without the flag."""
    arguments = (BUILD, parametrization(3, "relu"))
    assert nets.parametrize(*arguments, **SIZES, centred=True)(data[0]).abs().max() == 0
    assert nets.parametrize(*arguments, **SIZES)(data[0]).abs().max() > 0


def test_bad_names(parametrization):
    """Property: one sentence with what is missing and what is unknown."""
    rules = parametrization(3, "relu")
    entries = dict(rules.entries)
    entries["head.weight"] = entries.pop("readout.weight")
    sentence = (
        "parametrize: parametrization 'mup' must name exactly the model's parameters (input.weight, "
        "hidden.0.weight, readout.weight); missing: readout.weight; unknown: head.weight"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        nets.parametrize(BUILD, replace(rules, entries=entries), **SIZES)


def test_bad_build(parametrization):
    """Property: the whole sentence."""
    with pytest.raises(TypeError, match=r"^build must return a torch.nn.Module; it returned int$"):
        nets.parametrize(lambda: 3, parametrization(3), **SIZES)


def test_factors_of_the_forward_pass_are_not_dropped_in_silence(parametrization):
    """A module can't be told to divide its scores or branches: a table that asks for it is refused."""
    rules = replace(parametrization(3, "relu"), multipliers={"blocks.sum.branch": Power({"depth": -1})})
    with pytest.raises(ValueError, match="must have no factor of its own in the forward pass; given L"):
        nets.parametrize(BUILD, rules, **SIZES)
    nets.parametrize(BUILD, replace(rules, multipliers={"branch": Power.one()}), **SIZES)  # Control


def test_identity_a_stacks_block_is_stated_once():
    """Identity: "blocks.attention.query.weight" holds for every block; other numbers are names."""
    rules = theory.named(theory.gpt(), "mup", "sgd")
    sizes = {"width": 16, "inputs": 4, "outputs": 7}
    found = numbers_of(nets.models.gpt(2, 16, 4, 7), rules, **sizes)
    at = rules.at(width=16)
    assert len(found) == 10 * 2 + 5
    for index in range(2):
        assert found[f"blocks.{index}.mlp.up.weight"] == at["blocks.mlp.up.weight"]
    mlp = numbers_of(nets.models.mlp(4, 16, 3, 2), theory.named(theory.mlp(4), "mup", "sgd"), **sizes)
    assert list(mlp) == ["input.weight", "hidden.0.weight", "hidden.1.weight", "readout.weight"]
    sentence = (
        "parametrize: parametrization 'mup' must name exactly the model's parameters (input.weight, "
        "hidden.0.weight, hidden.1.weight, readout.weight); missing: hidden.1.weight; unknown: none"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        numbers_of(nets.models.mlp(4, 16, 3, 2), theory.named(theory.mlp(3), "mup", "sgd"), **sizes)


def test_identity_norms_start_at_their_gain():
    """Identity: weights of norms start at their deviation times gain, biases at 0; control: matrices vary."""
    rules = theory.named(theory.gpt(), "mup", "sgd")
    gains = {"norm.weight": 0.5}
    network = nets.parametrize(
        partial(nets.models.gpt, 1), rules, width=16, inputs=4, outputs=7, gain=gains, device="cpu"
    )
    numbers = network.numbers
    for name, weight in network.model.named_parameters():
        if ".norm." in f".{name}":
            start = 0.0 if name.endswith("bias") else 1.0
            expected = start * gains.get(name, 1.0) * numbers[name].init_std
            assert torch.equal(weight.detach(), torch.full((16,), expected, dtype=torch.float64))
        else:
            assert len(weight.detach().unique()) == weight.numel()
