"""Segments of solutions: proved, with ends that have names, and refused where there is more freedom."""

from dataclasses import replace
from fractions import Fraction

import pytest

from scalewright import theory as th
from scalewright.theory import desiderata as d

AXES = ("width", "depth")


def segment(graph: th.Architecture, optimizer: str = "adam") -> th.Segment:
    """Return the segment of a network with residual blocks."""
    (found,) = th.derive(graph, optimizer, AXES).segments
    return found


@pytest.mark.parametrize("graph", [th.resnet(), th.gpt(), th.gpt(place="post"), th.vit(), th.moe()])
def test_the_family_of_residual_networks(graph: th.Architecture) -> None:
    """Depth-muP and CompleteP are the two ends of one segment, whatever the blocks are made of."""
    found = segment(graph)
    assert found.verify()
    assert (found.low, found.high, found.preferred) == (Fraction(1, 2), 1, "completep")
    assert {name: found.at(name) for name in found.ends} == {"depth-mup": Fraction(1, 2), "completep": 1}
    assert str(found).endswith("from 1/2 to 1 (depth-mup at 1/2, completep at 1)")


@pytest.mark.parametrize("part", ["1/2", "2/3", "1"])
def test_identity_every_point_of_the_segment_is_a_solution(part: str) -> None:
    """Prescribing the branch multiplier gives just the values that the segment states there."""
    power = {"blocks.sum.branch": th.Power({"depth": -Fraction(part)})}
    fixed = th.derive(th.resnet(), "sgd", AXES, [*d.MAXIMAL_UPDATE, d.prescribe("multiplier", power)])
    values = fixed.certificate.on("depth").values
    assert segment(th.resnet(), "sgd").between(Fraction(part)) == values
    assert fixed.segments == ()


@pytest.mark.parametrize("outside", ["1/4", "5/4"])
def test_control_no_point_beyond_its_ends_is_a_solution(outside: str) -> None:
    power = {"blocks.sum.branch": th.Power({"depth": -Fraction(outside)})}
    with pytest.raises(th.Infeasible):
        th.derive(th.resnet(), "adam", AXES, [*d.MAXIMAL_UPDATE, d.prescribe("multiplier", power)])
    with pytest.raises(th.ScalingError) as caught:
        segment(th.resnet()).between(Fraction(outside))
    assert str(caught.value) == f"Segment.between: value must lie between 1/2 and 1; given {outside}"


def test_control_forged_segments_are_rejected() -> None:
    found = segment(th.resnet())
    with pytest.raises(th.Unverified):
        replace(found, high=2).verify()
    with pytest.raises(th.Unverified, match="the proofs are about other combinations"):
        replace(found, forms=found.forms[1:]).verify()


def test_joint_limits_along_a_ray() -> None:
    """Along L = n^(1/2) total powers add up: CompleteP's epsilon n^-1 L^-1 is n^-3/2."""
    p = th.derive(th.resnet(), "adam", ("width",), ray={"depth": "1/2"})
    eps = p["blocks.0.weight"].eps
    assert eps is not None
    assert eps.exponent("width") == Fraction(-3, 2)
    assert p.multipliers["blocks.sum.branch"] == th.Power({"width": "-1/2"})
    assert "along depth = width^1/2" in p.to_markdown()
    both = th.derive(th.resnet(), "adam", AXES)
    assert "width first, then depth" in both.to_markdown()
    assert both.to_json()["order"] == "width first, then depth"


@pytest.mark.parametrize(
    ("axes", "ray"), [(AXES, {"depth": 1}), (("width",), {"width": 1}), (("width",), {"batch": 1})]
)
def test_bad_rays_are_refused(axes: tuple[str, ...], ray: dict[str, int]) -> None:
    with pytest.raises(th.ScalingError, match="a ray must say how other sizes grow with one axis"):
        th.derive(th.resnet(), "adam", axes, ray=ray)


def test_more_freedom_is_not_unique() -> None:
    """Without nontrivial learning the rates have no lower bound: no segment with two ends."""
    with pytest.raises(th.NotUnique) as caught:
        th.derive(th.resnet(1), "sgd", ("depth",), ["stable initialisation", "stable features"])
    names = {name for direction in caught.value.directions for name in direction}
    assert names == {
        "c[input.weight]",
        "c[blocks.0.weight]",
        "b[readout.weight]",
        "c[readout.weight]",
        "m[blocks.sum.branch]",
    }
    # Control: prescribing the rates and the readout leaves the branch multiplier alone.
    fixed = d.prescribe("lr", {"input.weight": 0, "blocks.0.weight": -1, "readout.weight": 0})
    start = d.prescribe("init_std", {"readout.weight": 0})
    with pytest.raises(th.NotUnique) as one:
        th.derive(th.resnet(1), "sgd", ("depth",), ["stable initialisation", "stable features", fixed, start])
    assert one.value.directions == ({"m[blocks.sum.branch]": 1},)
