"""Stacked networks are the networks one by one."""

import re
from functools import partial

import numpy as np
import pytest
import torch

from scalewright import nets
from scalewright.nets.ensemble import Member


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_identity_member_trained_in_company_is_the_one_trained_alone(ensemble, data, optimizer):
    """Identity to rounding (1e-10 relative after 10 steps in float64); control: other members differ."""
    changes = {"optimizer": optimizer}
    together = ensemble(seeds=(0, 1), lrs=(0.05, 0.2), gamma=(0.5, 2.0), changes=changes)
    paths = nets.train(together, data, steps=10)
    weights = together.weights()
    alone = ensemble(seeds=(1,), lrs=(0.2,), gamma=2.0, changes=changes)
    path = nets.train(alone, data, steps=10)
    np.testing.assert_allclose(paths.loss.sel(gamma=2.0, seed=1, lr=0.2), path.loss.values[0, 0], rtol=1e-10)
    for name, weight in alone.weights()[0].items():
        np.testing.assert_allclose(weights[-1][name], weight, rtol=1e-9, atol=1e-12)
        assert not np.allclose(weights[0][name], weight)


def test_identity_forward_is_the_parametrized_module(ensemble, parametrization, data):
    """Identity: each member's outputs are those of `parametrize` with the same seed."""
    networks = ensemble(seeds=(4, 5))
    outputs = networks.forward(networks.parameters, data[0])
    for member, seed in enumerate((4, 5)):
        module = nets.parametrize(
            lambda: nets.models.mlp(3, 8, 3, 2, "tanh"),
            parametrization(3),
            width=8,
            inputs=3,
            outputs=2,
            seed=seed,
            device="cpu",
        )
        torch.testing.assert_close(outputs[member], module(data[0]).detach(), rtol=1e-12, atol=1e-14)


def test_identity_single_takes_a_module_as_it_is(parametrization, data):
    """Identity: an ensemble of one of a plain module, and of a parametrized one, give their outputs."""
    plain = nets.models.mlp(2, 8, 3, 2, "tanh").double()
    scaled = nets.parametrize(
        lambda: nets.models.mlp(2, 8, 3, 2, "tanh"),
        parametrization(2),
        width=8,
        inputs=3,
        outputs=2,
        device="cpu",
    )
    for module in (plain, scaled):
        networks = nets.Ensemble.single(module)
        found = networks.forward(networks.parameters, data[0])[0]
        torch.testing.assert_close(found, module(data[0]).detach(), rtol=1e-12, atol=1e-14)
    assert networks.rates["input.weight"].item() == 8.0


def test_identity_select_keeps_members_and_owns_its_weights(ensemble):
    """Identity: member 2 of the whole is member 0 of the part, and moving the part leaves the whole."""
    networks = ensemble(seeds=(0, 1), lrs=(0.1, 0.2))
    part = networks.select([2])
    assert part.lr.tolist() == [0.1]
    assert np.array_equal(part.weights()[0]["input.weight"], networks.weights()[2]["input.weight"])
    part.parameters["input.weight"].zero_()
    assert networks.parameters["input.weight"][2].abs().max() > 0


def test_identity_effective_weights_are_the_same_in_every_gauge(ensemble):
    """Identity: multiplier * w; control: w itself differs."""
    mine, other = ensemble(), ensemble(changes={"gauge": "no-multipliers"})
    for name, weight in mine.weights(effective=True)[0].items():
        np.testing.assert_allclose(other.weights(effective=True)[0][name], weight, rtol=1e-12)
    assert not np.allclose(mine.weights()[0]["readout.weight"], other.weights()[0]["readout.weight"])


def test_identity_stack_is_the_networks_that_of_makes(ensemble, parametrization):
    """Identity, to the byte: the product of axes by `of`, some of its members in any order by `stack`."""
    arguments = {"width": 8, "inputs": 3, "outputs": 2, "device": "cpu"}
    build, rules = partial(nets.models.mlp, 3, activation="tanh"), parametrization(3)
    product = ensemble(seeds=(0, 1), lrs=(0.1, 0.2), gamma=(0.5, 2.0))
    members = [Member(1, 0.2, 2.0), Member(0, 0.1, 0.5), Member(1, 0.1, 0.5), Member(1, 0.2, 2.0)]
    places = [7, 0, 2, 7]
    stacked, chosen = nets.Ensemble.stack(build, rules, members, **arguments), product.select(places)
    assert torch.equal(stacked.lr, chosen.lr)
    for entry in ("parameters", "multipliers", "rates", "epsilons", "decays", "initial"):
        for name, value in getattr(chosen, entry).items():
            assert torch.equal(getattr(stacked, entry)[name], value)
    assert stacked.axes == {}
    assert stacked.attrs == {
        "parametrization": "mup",
        "width": 8,
        "inputs": 3,
        "outputs": 2,
        "base_width": 1,
    }
    assert "gamma" not in product.attrs
    assert ensemble(gamma=0.5).attrs["gamma"] == 0.5
    stacked.parameters["input.weight"][0] = 0  # control: equal members do not share their weights
    assert stacked.parameters["input.weight"][3].abs().max() > 0


def test_bad_stack(parametrization):
    """Property: the whole sentence."""
    build = partial(nets.models.mlp, 3)
    with pytest.raises(ValueError, match=r"^Ensemble.stack: members must hold at least one; given none$"):
        nets.Ensemble.stack(build, parametrization(3), [], width=8, inputs=3, outputs=2)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"seeds": ()}, "Ensemble.of: seed must have at least one value; given none"),
        ({"lrs": (0.1, 0.0)}, "Ensemble.of: every lr must be positive and finite; given [0.1, 0.0]"),
        (
            {"gamma": (1.0, float("nan"))},
            "Ensemble.of: every gamma must be positive and finite; given [1.0, nan]",
        ),
    ],
)
def test_bad_axes(ensemble, arguments, sentence):
    """Property: the whole sentence."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        ensemble(**arguments)


def test_bad_seeds_and_frozen_models(ensemble, parametrization):
    """Property: whole sentences; control: numpy's integers are integers."""
    assert ensemble(seeds=np.arange(2)).members == 2
    for seed in (1.7, "1", True):
        with pytest.raises(TypeError, match=f"^Ensemble.of: every seed must be an integer; given {seed!r}$"):
            ensemble(seeds=[0, seed])

    def frozen():
        return nets.models.mlp(2, 8, 3, 2, "tanh").requires_grad_(False)

    sizes = {"width": 8, "inputs": 3, "outputs": 2, "device": "cpu"}
    sentence = "Ensemble: every parameter must have requires_grad=True; given 'input.weight' without"
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        nets.Ensemble.of(frozen, parametrization(2), **sizes)
    module = nets.parametrize(frozen, parametrization(2), centred=True, **sizes)
    module.model.readout.requires_grad_(True)
    sentence = (
        "Ensemble.single: every parameter of a centred module must have requires_grad=True; "
        "given 'input.weight' without"
    )
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        nets.Ensemble.single(module)
