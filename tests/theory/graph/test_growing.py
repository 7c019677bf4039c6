"""Sizes that grow with the width: the builders that know of it are the oracle."""

from fractions import Fraction

import numpy as np
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


def passed_on(width: int, outputs: int, seed: int) -> tuple[float, float]:
    """Return log sizes of W_0 dx after one step of the hidden layer at n^-1/2: over all outputs, and of the
    labels. A network of three layers under cross-entropy, written out in numpy."""
    draw = np.random.default_rng([seed, width, outputs])
    inputs, labels = draw.standard_normal((16, 16)), draw.integers(0, outputs, 16)
    first = draw.standard_normal((16, width)) * (2 / 16) ** 0.5
    hidden = draw.standard_normal((width, width)) * (2 / width) ** 0.5
    readout = draw.standard_normal((width, outputs)) * width**-0.5
    below = np.maximum(inputs @ first, 0)
    before = np.maximum(below @ hidden, 0)
    logits = before @ readout
    pull = np.exp(logits - logits.max(1, keepdims=True))
    pull /= pull.sum(1, keepdims=True)
    pull[np.arange(16), labels] -= 1
    gradient = below.T @ ((pull @ readout.T) * (before > 0)) / 16
    after = np.maximum(below @ (hidden - width**-0.5 * gradient), 0)
    moved = (after - before) @ readout
    of_labels = moved[np.arange(16), labels]
    return tuple(float(np.log(np.sqrt(np.square(x).mean()))) for x in (moved, of_labels))  # type: ignore[return-value]


def test_oracle_many_outputs_hide_the_labels() -> None:
    """Independent: trained networks in numpy. With 4 n outputs the root mean square of what the readout
    passes on is flat; the logits of the labels grow as n^1/2, as with few outputs. 3 standard errors and 0.1
    for corrections, (n / outputs + 1)^1/2 in the first."""
    widths, seeds = (64, 128, 256, 512), range(6)
    logs = np.array([[passed_on(n, 4 * n, seed) for seed in seeds] for n in widths])
    away = np.log(widths) - np.log(widths).mean()
    weights = away / (away**2).sum()
    slopes = np.einsum("n,nsk->k", weights, logs) / len(seeds)
    errors = np.sqrt(weights**2 @ (logs.var(axis=1, ddof=1) / len(seeds)))
    given = th.named(th.mlp(3), "sp", "sgd")
    few, many = (
        th.profile(th.named(graph, "sp", "sgd"), lr={"width": "-1/2"})["width"].row("readout").propagating
        for graph in (given.architecture, th.grown(given.architecture, {"outputs": 1}))
    )
    assert (few, many) == (Fraction(1, 2), 0)
    assert (np.abs(slopes - [0, 0.5]) < 3 * errors + 0.1).all(), (slopes, errors)
