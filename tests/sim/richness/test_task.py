"""What a task refuses, in full sentences."""

import pytest

from scalewright.sim.richness import Task


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"layers": 1}, "richness.Task: layers must be an integer of at least 2; given 1"),
        (
            {"loss": "hinge"},
            "richness: loss must be one of 'squared', 'cross-entropy', 'logistic'; given 'hinge'",
        ),
        (
            {"optimizer": "lion"},
            "richness.Task: optimizer must be one of sgd, momentum, sign, adam; given 'lion'",
        ),
        ({"model": "deep"}, "richness.Task: model must be one of balanced, unbalanced, wide; given 'deep'"),
        ({"steps": 0}, "richness.Task: steps must be an integer of at least 1; given 0"),
        ({"error": 0.5}, "richness.Task: error must be a number between 0 and 1/2; given 0.5"),
        ({"momentum": 1.0}, "richness.Task: momentum must be a number in [0, 1); given 1.0"),
        ({"betas": (0.9, 1.0)}, "richness.Task: betas must be two numbers in [0, 1); given (0.9, 1.0)"),
        ({"eps": -1.0}, "richness.Task: eps must be a number >= 0; given -1.0"),
        (
            {"model": "wide", "layers": 3},
            "richness.Task: model 'wide' is exact for layers=2 and optimizer 'sgd' or 'momentum'; given "
            "layers=3 and 'sgd'",
        ),
        (
            {"start": (1.0, 2.0)},
            "richness.Task: start must be one weight a layer for model 'unbalanced', empty otherwise; given "
            "(1.0, 2.0) for 'balanced' with 2 layers",
        ),
    ],
)
def test_bad_values_are_refused(options, said):
    with pytest.raises(ValueError) as caught:
        Task(**options)
    assert str(caught.value) == said
