"""Derived exponents against the published tables."""

from collections.abc import Iterable

import pytest
from scalewright import theory as th


def width(powers: Iterable[th.Power]) -> list[str]:
    """Return the exponents of the width as strings."""
    return [str(power.exponent("width")) for power in powers]


def column(p: th.Parametrization, quantity: str) -> list[str]:
    """Return one column of the table of exponents of the width."""
    return width(getattr(scaling, quantity) for scaling in p.entries.values())


@pytest.mark.parametrize("layers", [3, 4, 7])
@pytest.mark.parametrize(
    ("optimizer", "rates"),
    [("sgd", ("1", "0", "-1")), ("adam", ("0", "-1", "-1")), ("adamw", ("0", "-1", "-1"))],
)
def test_literature_tensor_programs_5_table_3(
    layers: int, optimizer: str, rates: tuple[str, str, str]
) -> None:
    """Yang et al. 2022 (arXiv:2203.03466), table 3: init var 1, 1/n, 1/n^2; SGD n, 1, 1/n; Adam 1, 1/n, 1/n."""
    p = th.derive(th.mlp(layers=layers), optimizer)
    first, hidden, last = rates
    assert column(p, "lr") == [first, *[hidden] * (layers - 2), last]
    assert column(p, "init_std") == ["0", *["-1/2"] * (layers - 2), "-1"]
    assert column(p, "multiplier") == ["0"] * layers
