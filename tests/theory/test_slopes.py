"""What a coordinate check should measure, against the rows of the profile."""

from fractions import Fraction

import pytest

from scalewright import theory as th


def test_identity_slopes_are_the_profile_by_weight() -> None:
    found = th.profile(th.named(th.mlp(3), "sp", "sgd"), lr={"width": "-1/2"})["width"]
    slopes = found.slopes()
    assert list(slopes) == ["input.weight", "hidden.0.weight", "readout.weight"]
    assert slopes["readout.weight"] == th.Slopes("readout", 0.5, 0.5, 0.5)
    assert slopes["input.weight"].propagating is None
    assert slopes["hidden.0.weight"] == th.Slopes("hidden.0", 0.0, -0.5 - 0.5, 0.0)


def test_identity_of_the_first_step_of_an_adapter_nothing_has_a_slope() -> None:
    """B starts at zero, so A doesn't move at first: an exact zero has no slope."""
    found = th.profile(th.derive(th.lora(), "adam"))["width"]
    assert found.slopes(step=1)["blocks.mlp.up.A.weight"].effective is None
    assert found.slopes()["blocks.mlp.up.A.weight"].effective == 0.0


def test_identity_what_grows_with_every_step_has_no_slope() -> None:
    found = th.profile(th.named(th.mlp(3), "sp", "sgd"), lr={"width": "-1/4"})["width"]
    assert found.slopes()["readout.weight"].total is None


def test_tied_weights_stand_twice() -> None:
    found = th.profile(th.derive(th.gpt(tied=True), "adam"))["width"].slopes()
    assert found["embedding.weight"].tensor == "embedding"
    assert found["readout"].tensor == "readout"


def test_control_a_step_that_is_not_shown() -> None:
    found = th.profile(th.named(th.mlp(3), "sp", "sgd"))["width"]
    with pytest.raises(th.ScalingError) as caught:
        found.slopes(step=4)
    assert str(caught.value) == "AxisProfile.slopes: step must be from 1 to 3, or None; given 4"
    assert isinstance(found.row("readout").effective, int | Fraction)
