"""What layers see in a call with given weights, and that the model is left alone."""

import torch
from torch import nn

from scalewright.nets.coordinates.layers import layers_of
from scalewright.nets.coordinates.passes import run, state_of


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True), nn.BatchNorm1d(4), nn.Linear(4, 2))


def test_identity_outputs_of_one_layer_are_inputs_of_the_next_despite_changes_in_place():
    model, inputs = network(), torch.randn(6, 3)
    layers, _ = layers_of(model)
    outputs, calls = run(model, layers, state_of(model), (inputs,))
    assert torch.equal(
        calls["0.weight"].outputs[0], nn.functional.linear(inputs, model[0].weight, model[0].bias)
    )
    assert torch.equal(calls["2.weight"].inputs[0], calls["0.weight"].outputs[0].relu())
    assert torch.equal(calls["3.weight"].outputs[0], outputs)


def test_the_model_and_its_buffers_keep_their_bytes():
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    run(model, layers_of(model)[0], state_of(model), (torch.randn(6, 3),))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_a_layer_reads_what_it_is_given():
    model, inputs, other = network(), torch.randn(6, 3), torch.randn(6, 4)
    layers, _ = layers_of(model)
    _, calls = run(model, layers, state_of(model), (inputs,), given={"3.weight": [other]})
    assert torch.equal(calls["3.weight"].outputs[0], model[3](other))


def test_a_module_called_twice_has_two_entries():
    layer = nn.Linear(3, 3)
    model = nn.Sequential(layer, nn.Tanh(), layer)
    layers, _ = layers_of(model)
    _, calls = run(model, layers, state_of(model), (torch.randn(2, 3),))
    assert len(calls["0.weight"].outputs) == 2


def test_modules_that_can_t_be_measured_say_why():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.pair, self.unused, self.rnn = nn.Bilinear(2, 2, 2), nn.Linear(2, 2), nn.GRU(2, 2)

        def forward(self, x):
            return self.rnn(self.pair(x, x))[0]

    model = Model()
    layers, _ = layers_of(model)
    _, calls = run(model, layers, state_of(model), (torch.randn(3, 2),))
    assert calls["pair"].refused == "it is called with Tensor, Tensor, and not with one tensor"
    assert calls["unused.weight"].refused == "its forward is not called"
    assert calls["rnn"].refused == "it returns tuple, and not a tensor"
