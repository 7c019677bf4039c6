"""Watching a model: what is recorded is what passed through, and nothing stays behind."""

import re

import numpy as np
import pytest
import torch

from scalewright import nets
from scalewright.nets.observe import activations, weight_layers


def test_identity_records_are_the_inputs_and_outputs(data):
    """Identity: each layer's recorded output is its weight times its recorded input."""
    model = nets.models.mlp(3, 8, 3, 2, "tanh").double()
    with nets.observe(model) as records:
        outputs = model(data[0])
    assert list(records) == ["input", "hidden", "hidden.0", "readout"]
    assert torch.equal(records["readout"].outputs[-1], outputs)
    hidden = records["hidden.0"]
    torch.testing.assert_close(hidden.outputs[0], hidden.inputs[0] @ model.hidden[0].weight.T)


@pytest.mark.parametrize("fails", [False, True])
def test_identity_model_is_left_as_it_was(data, fails):
    """Identity: the bytes of the state and the absence of hooks, after an error in the forward too."""
    model = nets.models.mlp(3, 8, 3, 2).double()
    before = {name: value.numpy().tobytes() for name, value in model.state_dict().items()}
    inputs = data[0][:, :2] if fails else data[0]
    try:
        with nets.observe(model):
            assert all(module._forward_hooks for name, module in model.named_modules() if name)
            model(inputs)
    except RuntimeError:
        assert fails
    assert {name: value.numpy().tobytes() for name, value in model.state_dict().items()} == before
    assert not any(module._forward_hooks for module in model.modules())


def test_identity_members_are_recorded_as_when_alone(ensemble, data):
    """Identity: under vmap each member's activations are those of an ensemble of it alone."""
    networks = ensemble(seeds=(0, 1))
    together = activations(networks, data[0])
    alone = activations(networks.select([1]), data[0])
    for name in weight_layers(networks.model):
        torch.testing.assert_close(together[name].outputs[0][1], alone[name].outputs[0][0])
        torch.testing.assert_close(together[name].inputs[0][1], alone[name].inputs[0][0])
    assert not any(module._forward_hooks for module in networks.model.modules())


def test_oracle_feature_change(ensemble, data):
    """Oracle: zero at the start; afterwards the change of the first layer from its weights in numpy."""
    networks = ensemble()
    assert nets.feature_change(networks, data[0]).abs().max() == 0
    before = networks.weights(effective=True)[0]["input.weight"]
    nets.train(networks, data, steps=3)
    after = networks.weights(effective=True)[0]["input.weight"]
    change = data[0].numpy() @ (after - before).T
    found = nets.feature_change(networks, data[0])
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found[0, 0], np.sqrt((change**2).mean()), rtol=1e-10)


def test_bad_name(data):
    """Property: the whole sentence."""
    sentence = "observe: names must be submodules of the model (input, hidden, readout); given 'head'"
    with (
        pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"),
        nets.observe(nets.models.mlp(2, 8, 3, 2), ["head"]),
    ):
        pass
