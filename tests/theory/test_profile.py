"""The profile of given parametrizations: what it says of every kind of size, and what it refuses."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings

from scalewright import theory as th
from scalewright.theory.strategies import gauges


def test_identity_a_derived_parametrization_does_what_it_was_asked() -> None:
    """muP: every effective update and the readout's propagating update are Theta(1), in every
    architecture."""
    for graph in (th.mlp(4, bias=True), th.gpt(), th.vit(), th.convnet(norm="batch")):
        found = th.profile(th.derive(graph, "adam"))["width"]
        assert found.regime == "feature learning"
        assert {row.effective for row in found.later if row.parameter} == {0}
        assert found.row("readout").propagating == 0
        assert not found.growing


@pytest.mark.parametrize(("name", "each"), [("depth-mup", "-1/2"), ("completep", "0")])
def test_identity_blocks_move_as_their_parametrization_says(name: str, each: str) -> None:
    """Every block moves its preactivations by L^-1/2 (lazy) or Theta(1), and all together the stream by
    Theta(1)."""
    found = th.profile(th.named(th.resnet(2), name, "adam"))["depth"]
    assert str(found.row("blocks.0").effective) == each
    assert (found.row("blocks").size, found.row("blocks").change) == (0, 0)
    assert str(found.row("blocks.sum.branch").size) == {"depth-mup": "-1/2", "completep": "-1"}[name]


def test_control_unscaled_branches_blow_up() -> None:
    """Without a multiplier and with a rate of L^0 the stream grows with every block: exponentially in the
    depth."""
    p = th.named(th.resnet(2), "completep", "adam")
    bare = replace(p, multipliers={name: th.Power.one() for name in p.multipliers})
    found = th.profile(bare)["depth"]
    assert found.regime == "catastrophic"
    assert any("must not grow over the blocks" in text for text in found.growing)
    # With a norm at the beginning of each branch the stream grows as L^1/2 only, but training still diverges.
    normed = th.named(th.resnet(2, norm="layer"), "completep", "adam")
    bare = replace(normed, multipliers={name: th.Power.one() for name in normed.multipliers})
    assert str(th.profile(bare)["depth"].row("blocks").size) == "1/2"


@settings(max_examples=20, deadline=None)
@given(gauges())
def test_property_the_gauge_changes_no_size(gauge: str) -> None:
    """Sizes of tensors and updates are the same in every gauge; only gradients of weights gain the
    multiplier."""
    p = th.derive(th.mlp(3), "adamw")
    one, two = (th.profile(q)["width"].later for q in (p, p.in_gauge(gauge)))
    assert [replace(r, weight_gradient=None) for r in one] == [replace(r, weight_gradient=None) for r in two]


def test_the_first_step_differs_where_something_starts_at_zero() -> None:
    """An adapter's A has no gradient until its B, which starts at zero, has moved."""
    found = th.profile(th.derive(th.lora(), "adam"))["width"]
    name = "blocks.mlp.up.A"
    assert (found.row(name, step=1).weight_gradient, found.row(name).weight_gradient) == ("-oo", 0)
    assert (found.row(name, step=1).effective, found.row(name).effective) == ("-oo", 0)
    assert found.row("blocks.mlp.up.B", step=1).size == "-oo"


def test_identity_sizes_that_a_central_limit_misses() -> None:
    """A tied readout meets its own rows; nothing has moved x through rows without a gradient."""
    tied = th.profile(th.derive(th.gpt(tied=True), "adam"))["width"]
    assert (tied.row("readout").size, tied.row("readout.multiplier").size) == (1, 0)
    assert th.profile(th.derive(th.gpt(), "adam"))["width"].row("readout").size == Fraction(-1, 2)
    adapted = th.profile(th.derive(th.lora(), "adam"))["width"]
    assert adapted.row("blocks.mlp.up.A", step=1).propagating == -1
    assert adapted.row("blocks.mlp.up.A").propagating == 0


def test_identity_the_residual_of_a_step_is_the_next_gradient() -> None:
    """Squared loss at n^-1/2: the logits move by n^1/2, and so does the second step's gradient."""
    p = th.named(th.mlp(3), "sp", "sgd")
    found = th.profile(p, loss="squared", lr={"width": "-1/2"})["width"]
    assert [str(found.row("readout", step=k).gradient) for k in (1, 2, 3)] == ["0", "1/2", "1"]
    assert found.growing == tuple(
        f"the change of {name} grows with every step of training" for name in ("hidden.0", "readout")
    )


def test_control_a_condition_that_fails_is_said() -> None:
    """Weights of deviation n^0 saturate a tanh, which counting sizes can't follow: the profile says so."""
    p = th.derive(th.mlp(3, activation="tanh"), "sgd")
    entries = {name: replace(entry, init_std=th.Power.one()) for name, entry in p.entries.items()}
    found = th.profile(replace(p, entries=entries))
    reason = "tanh of hidden.0.activation passes sizes only while its input is at most Theta(1)"
    assert found["width"].broken == (reason,)
    assert reason in found.to_markdown()
    assert found.to_json()["axes"]["width"]["broken"] == [reason]
    assert th.profile(p)["width"].broken == ()


def test_epsilon_counts_where_it_is_given() -> None:
    """An epsilon larger than the gradient slows Adam down: at eps n^0 the hidden layers of muP are lazy."""
    p = th.derive(th.mlp(3), "adam")
    entries = {name: replace(entry, eps=th.Power.one()) for name, entry in p.entries.items()}
    found = th.profile(replace(p, entries=entries))["width"]
    assert (found.row("hidden.0").effective, found.row("hidden.0").state) == (-1, "lazy")
    assert th.profile(p)["width"].row("hidden.0").state == "feature learning"


def test_json_and_tables_say_the_same() -> None:
    p = th.named(th.mlp(3), "sp", "sgd")
    found = th.profile(p, lr={"width": "-1/2"})
    data = found.to_json()["axes"]["width"]
    assert (data["regime"], data["growing"]) == ("controlled divergence", [])
    assert [row["effective"] for row in data["later"]] == ["-1", "0", "1/2"]
    assert data["later"][0]["propagating"] is None
    text = found.to_markdown()
    assert "| hidden.0 | 0 | 0 | -1 | 0 | -1/2 | feature learning |" in text
    for shown in (found.to_latex(), found.to_html()):
        assert "hidden.0" in shown
        assert "feature learning" in shown
    divergent = th.profile(p, lr={"width": 0}).to_json()["axes"]["width"]
    assert divergent["later"][1]["change"] == "oo"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"loss": "hinge"},
            "Architecture.with_loss: kind must be one of squared, cross-entropy, brier; given 'hinge'",
        ),
        ({"lr": {"depth": -1}}, "Parametrization.with_lr: sizes must be among width, gamma, inputs, outputs; "
         "given 'depth'"),
    ],
)  # fmt: skip
def test_bad_input(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(th.ScalingError) as caught:
        th.profile(th.named(th.mlp(3), "sp", "sgd"), **arguments)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_floats_and_unknown_rows_are_refused() -> None:
    p = th.named(th.mlp(3), "sp", "sgd")
    with pytest.raises(TypeError, match="write Fraction"):
        th.profile(p, lr={"width": -0.5})  # type: ignore[dict-item]
    with pytest.raises(th.ScalingError) as row:
        th.profile(p)["width"].row("hidden")
    assert str(row.value) == "AxisProfile.row: name must be one of input, hidden.0, readout; given 'hidden'"
    with pytest.raises(th.ScalingError) as axis:
        th.profile(p)["depth"]
    assert str(axis.value) == "Profile: axis must be one of width; given 'depth'"
