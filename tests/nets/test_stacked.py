"""One forward pass of many networks is each one's own."""

import torch

from scalewright import nets
from scalewright.nets.stacked import forward, like


def test_identity_like_multiplies_member_by_member():
    """Identity: (M,) times (M, a, b), and times (M,)."""
    values, stacked = torch.tensor([2.0, 3.0]), torch.ones(2, 3, 4)
    assert (like(values, stacked) * stacked)[:, 0, 0].tolist() == [2, 3]
    assert (like(values, values) * values).tolist() == [4, 9]


def test_identity_inputs_of_ones_own_are_a_loop_over_members(ensemble, data):
    """Identity to rounding (1e-12): shared=False gives member m the outputs at its inputs alone."""
    networks = ensemble(seeds=(0, 1, 2))
    own = torch.stack([data[0], 2 * data[0], -data[0]])
    together = networks.forward(networks.parameters, own, shared=False)
    for member in range(3):
        one = networks.select([member])
        alone = one.forward(one.parameters, own[member])[0]
        torch.testing.assert_close(together[member], alone, rtol=1e-12, atol=1e-14)
    repeated = networks.forward(networks.parameters, data[0].expand(3, -1, -1), shared=False)
    shared = networks.forward(networks.parameters, data[0])
    torch.testing.assert_close(repeated, shared, rtol=1e-12, atol=1e-14)


def test_identity_outputs_are_those_of_the_module(data):
    """Identity: two plain modules; the model whose forward is called lends none of its weights."""
    modules = [nets.models.mlp(3, 8, 3, 2, "tanh").double() for _ in range(3)]
    names = dict(modules[0].named_parameters())
    stacked = {name: torch.stack([m.get_parameter(name).detach() for m in modules[:2]]) for name in names}
    scales = {name: torch.tensor([1.0, 0.5], dtype=torch.float64) for name in names}
    outputs = forward(modules[2], scales, stacked, data[0])
    torch.testing.assert_close(outputs[0], modules[0](data[0]).detach())
    with torch.no_grad():
        for weight in modules[1].parameters():
            weight.mul_(0.5)
    torch.testing.assert_close(outputs[1], modules[1](data[0]).detach())
    called = forward(modules[2], scales, stacked, data[0], lambda model, x: model(x) + 1)
    torch.testing.assert_close(called, outputs + 1)
