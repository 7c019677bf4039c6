"""The whole coordinate check: powers against theory, runs that are not stable, and bad input."""

from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from scalewright import nets
from scalewright.theory import mlp, named, profile

RNG = np.random.default_rng(0)
INPUTS = RNG.standard_normal((64, 8)).astype(np.float32)
LABELS = (INPUTS[:, 0] > 0).astype(np.int64)


def perceptron(width):
    return nn.Sequential(nn.Linear(8, width, bias=False), nn.Tanh(), nn.Linear(width, 2, bias=False))


def descend(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


def check(build=perceptron, data=(INPUTS, LABELS), **options):
    return nets.coordinate_check(
        build, data, **{"widths": [8, 16], "optimizer": descend, "seeds": [0, 1], **options}
    )


@pytest.mark.parametrize("name", ["mup", "sp"])
def test_oracle_theory_and_the_control(name):
    """muP moves every hidden layer as n^0; SP at n^0 does not, and its logits grow."""
    rule = named(mlp(3), name, "sgd")
    rule = rule.with_lr({"width": Fraction(0)}) if name == "sp" else rule
    found = check(
        lambda width, seed: nets.parametrize(
            partial(nets.models.mlp, 3), rule, width=width, inputs=8, outputs=2, seed=seed
        ),
        optimizer=lambda model: torch.optim.SGD(model.parameter_groups(lr=0.02)),
        widths=[64, 128, 256],
        seeds=range(30),
        steps=1,
        predicted=profile(rule)["width"].slopes(step=1),
    )
    rows = {(row.layer, row.part): row for row in found.rows()}
    hidden = rows["hidden.0.weight", "effective"]
    assert hidden.predicted == (0.0 if name == "mup" else 0.5)
    for key in (
        ("hidden.0.weight", "effective"),
        ("input.weight", "effective"),
        ("readout.weight", "effective"),
    ):
        # 4 standard errors, and 0.1 for what the width 64 still lacks of the limit.
        assert abs(rows[key].slope.value - rows[key].predicted) < 4 * rows[key].slope.standard_error + 0.1, (
            key
        )
    other = 0.5 if name == "mup" else 0.0
    assert abs(hidden.slope.value - other) > 4 * hidden.slope.standard_error


def test_sizes_are_the_same_whatever_else_is_drawn_and_the_generator_is_left_alone():
    state = torch.get_rng_state()
    first = check(steps=2)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(3)
    np.testing.assert_array_equal(first.data.effective, check(steps=2).data.effective)


def test_previous_step_and_initialisation_agree_after_one_step_only():
    one, two = (check(steps=steps, against=against).data.effective
                for steps, against in ((1, "initial"), (1, "previous")))  # fmt: skip
    np.testing.assert_array_equal(one, two)
    first, second = (check(steps=3, against=against).data.effective for against in ("initial", "previous"))
    assert (second < first).all()


def test_measured_at_several_steps_on_batches():
    found = check(steps=3, at=[1, 3], batch=16, alignment=True, gradient=True)
    assert found.steps == (1, 3)
    assert found.data.effective.dims == ("width", "seed", "step", "layer")
    assert {"gradient", "effective_operator_alignment", "propagating_log_alignment"} <= set(
        found.data.data_vars
    )
    assert found.values("2.weight", "gradient", step=1)[8].shape == (2,)


def test_a_run_that_blows_up_is_listed_with_step_and_layer_and_leaves_no_nan():
    def wild(model, width):
        return descend(model, lr=1e30 if width == 8 else 0.1)

    def relu(width):
        return nn.Sequential(nn.Linear(8, width, bias=False), nn.ReLU(), nn.Linear(width, 2, bias=False))

    found = check(relu, optimizer=wild, widths=[8, 16, 32], steps=3)
    assert {(one.width, one.seed) for one in found.unstable} == {(8, 0), (8, 1)}
    assert all(1 <= one.step <= 3 and one.layer in ("0.weight", "2.weight", "loss") for one in found.unstable)
    assert "nan" not in found.to_markdown()
    assert list(found.values("2.weight", "effective")) == [16, 32]


def test_progress_counts_runs():
    seen = []
    check(progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_modules_that_are_skipped_are_listed():
    class Model(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.pair, self.out = nn.Bilinear(8, 8, width), nn.Linear(width, 2)

        def forward(self, x):
            return self.out(self.pair(x, x))

    assert list(check(Model).skipped) == ["pair"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"widths": []}, ValueError, "widths must be increasing positive integers; given []"),
        ({"widths": [16, 8]}, ValueError, "widths must be increasing positive integers; given [16, 8]"),
        ({"widths": [8.0, 16]}, ValueError, "widths must be increasing positive integers; given [8.0, 16]"),
        ({"seeds": []}, ValueError, "seeds must be different, at least one; given []"),
        ({"seeds": [1, 1]}, ValueError, "seeds must be different, at least one; given [1, 1]"),
        ({"seeds": [0.5]}, TypeError, "every seed must be an integer; given 0.5"),
        ({"steps": 0}, ValueError, "steps must be an integer of at least 1; given 0"),
        ({"steps": 2, "at": [0, 2]}, ValueError, "at must hold steps between 1 and steps = 2; given [0]"),
        ({"against": "x"}, ValueError, "against must be 'initial' or 'previous'; given 'x'"),
        ({"build": lambda width: 3}, TypeError, "build must return a torch.nn.Module; it returned int"),
        ({"build": lambda w: 3}, TypeError, "build must take `width`; given one that takes w"),
        ({"batch": 65}, ValueError, "size must lie between 1 and the 64 samples; given 65"),
    ],
)
def test_bad_input_gets_one_sentence(options, error, message):
    with pytest.raises(error) as caught:
        check(**options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
