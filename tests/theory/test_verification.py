"""Tables that claim more than their certificate proves are rejected, whatever was changed in them."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest

from scalewright import theory as th

TIED = th.derive(th.gpt(tied=True), "adamw", ("width", "depth"))
PLAIN = th.derive(th.gpt(), "adamw", ("width", "depth"))


def test_the_true_tables_verify() -> None:
    """Control: what is forged below is accepted as it is."""
    for p in (
        TIED,
        PLAIN,
        *PLAIN.vertices.values(),
        PLAIN.in_gauge("ntk"),
        th.named(th.gpt(), "mup", "adam"),
    ):
        assert p.verify()
    assert PLAIN.with_lr({"width": -5}).verify()  # what was prescribed afterwards isn't claimed
    assert th.derive(th.resnet(), "muon+adamw", ("width",), ray={"depth": "1/2"}).verify()


FORGERIES: dict[str, Callable[[], th.Parametrization]] = {
    "factors of one": lambda: replace(TIED, multipliers=dict.fromkeys(TIED.multipliers, th.Power.one())),
    "no factors": lambda: replace(PLAIN, multipliers={}),
    "another loss": lambda: replace(PLAIN, architecture=th.gpt(loss="squared")),
    "another optimizer": lambda: replace(PLAIN, optimizer="sgd"),
    "another assignment": lambda: replace(PLAIN, assignment=th.derive(th.mlp(), "adam").assignment),
    "another alignment": lambda: replace(PLAIN, alignment=th.Alignment(narrow=Fraction(1, 2))),
    "another gauge": lambda: replace(PLAIN, gauge="unit-variance"),
    "fewer axes": lambda: replace(PLAIN, axes=("width",)),
    "no segments": lambda: replace(PLAIN, segments=()),
    "other requirements": lambda: replace(PLAIN, require=PLAIN.require[1:]),
    "vertices swapped": lambda: replace(
        PLAIN,
        vertices={"depth-mup": PLAIN.vertices["completep"], "completep": PLAIN.vertices["depth-mup"]},
    ),
}


@pytest.mark.parametrize("forgery", list(FORGERIES))
def test_control_forged_tables_are_rejected(forgery: str) -> None:
    with pytest.raises(th.Unverified) as caught:
        FORGERIES[forgery]().verify()
    assert str(caught.value).startswith("Parametrization.verify: ")
