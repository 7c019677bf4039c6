"""The edge of stability of torch's optimizers, against running them, and the picture."""

import re

import numpy as np
import pytest
import torch

from scalewright import nets
from scalewright.sim.dataset import dataset

MAKERS = {
    "plain": lambda w, lr: torch.optim.SGD(w, lr=lr),
    "momentum": lambda w, lr: torch.optim.SGD(w, lr=lr, momentum=0.9),
    "dampened": lambda w, lr: torch.optim.SGD(w, lr=lr, momentum=0.5, dampening=0.25),
    "nesterov": lambda w, lr: torch.optim.SGD(w, lr=lr, momentum=0.9, nesterov=True),
}


def last(make, rate, curvature, steps=4000):
    """Return |w| after steps on curvature w^2 / 2 from w = 1."""
    weight = torch.ones(1, dtype=torch.float64, requires_grad=True)
    optimizer = make([weight], rate)
    for _ in range(steps):
        weight.grad = curvature * weight.detach()
        optimizer.step()
        if not float(weight.detach().abs()) < 1e6:
            break
    return float(weight.detach().abs())


@pytest.mark.parametrize("name", MAKERS)
def test_oracle_the_edge_is_where_torch_diverges(name):
    """Oracle: torch's own optimizer shrinks a quadratic 0.5 % below the edge and blows it up 0.5 % above."""
    make, rate = MAKERS[name], 0.05
    edge = nets.edge_of_stability(make([torch.ones(1, requires_grad=True)], rate))
    assert last(make, rate, 0.995 * edge) < 1e-3
    assert last(make, rate, 1.005 * edge) > 1e3


def test_oracle_adam_with_a_frozen_preconditioner():
    """Oracle: Adam with a constant second moment, by its own recursion: 38 / rate at beta_1 = 0.9."""
    optimizer = torch.optim.AdamW([torch.ones(1, requires_grad=True)], lr=0.01)
    assert nets.edge_of_stability(optimizer) == pytest.approx(3800)
    for share, grows in ((0.99, False), (1.01, True)):
        weight, average = 1.0, 0.0
        for _ in range(4000):
            average = 0.9 * average + 0.1 * share * 3800 * weight
            weight -= 0.01 * average
        assert (abs(weight) > 1) is grows


def test_bad_optimizers():
    """Property: whole sentences."""
    weight = [torch.ones(1, requires_grad=True)]
    sentence = "edge_of_stability: optimizer must be torch's SGD, Adam or AdamW; given RMSprop"
    with pytest.raises(TypeError, match=f"^{re.escape(sentence)}$"):
        nets.edge_of_stability(torch.optim.RMSprop(weight))
    with pytest.raises(ValueError, match=r"^edge_of_stability: the rate must be positive; given 0.0$"):
        nets.edge_of_stability(torch.optim.SGD(weight, lr=0.0))


def trajectory(shape, dims):
    rng = np.random.default_rng(0)
    values = rng.uniform(1, 2, shape)
    values[..., 2] = np.nan
    return dataset(
        {
            "sharpness": (dims, values),
            "sharpness_error": (dims, 0.1 * values),
            "residual": (dims, values - 2),
        },
        {"step": np.arange(shape[-1]) * 10, **({"seed": np.arange(shape[0])} if len(shape) == 2 else {})},
    )


@pytest.mark.parametrize(("shape", "dims"), [((6,), ("step",)), ((4, 6), ("seed", "step"))])
def test_property_plot(shape, dims):
    """Property: every quantity is drawn where it was measured, and the edge; axes are taken as given."""
    ax = nets.plot_sharpness(trajectory(shape, dims), edge=1.8)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["sharpness $S$", "residual part", "edge of stability"]
    assert ax.lines[0].get_xdata().tolist() == [0, 10, 30, 40, 50]
    assert nets.plot_sharpness(trajectory(shape, dims), ax) is ax


def test_control_nothing_to_draw():
    """Control: a trajectory without curvature is refused."""
    only_loss = dataset({"loss": (("step",), [1.0])}, {"step": [0]})
    with pytest.raises(ValueError, match=r"^plot_sharpness: trajectory must have one of sharpness, "):
        nets.plot_sharpness(only_loss)
