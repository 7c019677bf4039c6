"""Sizes that grow with the width: the builders that know of it are the oracle."""

from fractions import Fraction

import pytest

from scalewright import theory as th


def test_oracle_a_grown_vocabulary_is_the_builders_own() -> None:
    """Independent: `gpt(vocabulary="grow")` builds its dimensions by itself."""
    assert "vocabulary" in dict(th.gpt().dimensions)
    grown = th.grown(th.gpt(), {"vocabulary": 1})
    for optimizer in ("sgd", "adam"):
        one, two = (th.profile(th.named(g, "sp", optimizer)) for g in (grown, th.gpt(vocabulary="grow")))
        assert one.to_json() == two.to_json()


def test_literature_large_vocabulary() -> None:
    """Haas et al. 2025, section 5: with many more outputs than units W_0 of the readout passes changes on
    independently, so that the logits of SP-full-align stay, and SP under Adam bears n^-1."""
    large = th.grown(th.mlp(3), {"outputs": 1})
    for optimizer in ("sgd", "adam"):
        small, wide = (
            th.profile(th.named(graph, "sp-full-align", optimizer))["width"] for graph in (th.mlp(3), large)
        )
        assert (small.row("readout").propagating, wide.row("readout").propagating) == (Fraction(1, 2), 0)
        assert (small.regime, wide.regime) == ("controlled divergence", "feature learning")
    assert str(th.edges(large, "sp", "adam").bounded_logits) == "n^-1"
    # SGD's effective update of the readout is not affected: its window stays.
    assert [str(power) for power in th.edges(large, "sp", "sgd").window] == ["n^-1", "n^-1/2"]  # type: ignore[union-attr]


def test_a_size_may_be_fixed_again() -> None:
    grown = th.grown(th.mlp(3), {"outputs": 1})
    assert th.grown(grown, {"outputs": 0}) == th.mlp(3)


def test_control_what_is_refused() -> None:
    with pytest.raises(th.ArchitectureError) as name:
        th.grown(th.mlp(3), {"vocabulary": 1})
    assert str(name.value) == "grown: sizes must be among inputs, width, outputs; given 'vocabulary'"
    with pytest.raises(th.ArchitectureError) as power:
        th.grown(th.mlp(3), {"outputs": -1})
    assert str(power.value) == "grown: the power of 'outputs' must be at least 0; given -1"
    with pytest.raises(TypeError, match="grown: sizes must be a Mapping; given 'outputs'"):
        th.grown(th.mlp(3), "outputs")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="write Fraction"):
        th.grown(th.mlp(3), {"outputs": 0.5})  # type: ignore[dict-item]
