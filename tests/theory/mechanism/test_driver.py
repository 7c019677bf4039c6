"""The mechanism against the solver: edges proved by linear programs, sizes of the profile rate by rate."""

from fractions import Fraction
from itertools import product

import pytest

from scalewright import theory as th

HALF = Fraction(1, 2)
LOSSES = ("cross-entropy", "brier", "squared")
CASES = list(product((2, 4), ("sgd", "adam", "muon"), LOSSES))


def edges_of(found: th.Edges) -> tuple[Fraction, Fraction]:
    """Return the exponents c of the two edges."""
    return -found.feature_learning.exponent("width"), -found.bounded_logits.exponent("width")


@pytest.mark.parametrize(("layers", "optimizer", "loss"), CASES)
def test_oracle_edges(layers: int, optimizer: str, loss: str) -> None:
    """Independent: `edges` solves exact linear programs for one rate; here functions of all rates are
    followed."""
    graph = th.mlp(layers)
    found = th.mechanism(graph, "sp", optimizer, loss)
    assert (found.bounded_features, found.bounded_logits) == edges_of(th.edges(graph, "sp", optimizer, loss))
    assert found.closes == (loss != "squared" or optimizer != "sgd")


@pytest.mark.parametrize("narrow", ["1", "1/2"])
@pytest.mark.parametrize("name", ["convnet", "gpt", "biased"])
def test_oracle_edges_of_other_networks(name: str, narrow: str) -> None:
    graph = {"convnet": th.convnet, "gpt": th.gpt, "biased": lambda: th.mlp(3, bias=True)}[name]()
    alignment = th.Alignment(narrow=Fraction(narrow))
    found = th.mechanism(graph, "sp", "adam", alignment=alignment, rates=("3/4", "7/4"))
    expected = edges_of(th.edges(graph, "sp", "adam", alignment=alignment))
    assert (found.bounded_features, found.bounded_logits) == expected


def test_identity_what_reads_the_logits() -> None:
    """Cross-entropy: nothing. Squared loss: all gradients and updates under SGD, gradients alone under
    Adam."""
    graph = th.mlp(4)
    assert th.mechanism(graph, "sp", "sgd", "cross-entropy").reading == frozenset()
    squared = th.mechanism(graph, "sp", "sgd", "squared").reading
    assert {f"U[{p.name}]" for p in graph.parameters} <= squared
    adam = th.mechanism(graph, "sp", "adam", "squared").reading
    assert any(name.startswith("G[") for name in adam)
    assert not any(name.startswith("U[") for name in adam)


def test_identity_the_squared_loss_adds_one_exponent_a_step() -> None:
    """Next to the edge the logits grow as n^(t (1 - c)) at step t; under cross-entropy as n^(1 - c) at every
    step."""
    c = Fraction(11, 12)
    for loss, expected in (("squared", [1, 2, 3, 4]), ("cross-entropy", [1, 1, 1, 1])):
        found = th.mechanism(th.mlp(4), "sp", "sgd", loss)
        measured = [found.change("readout", step).at(c) for step in (1, 2, 3, 4)]  # type: ignore[union-attr]
        assert measured == [k * (1 - c) for k in expected]


def test_literature_the_worked_derivation() -> None:
    """Haas et al. 2025, propositions 2 and 4: every exponent of the derivation, at the step where it is
    stated."""
    found = th.mechanism(th.mlp(4), "sp", "sgd", "cross-entropy")
    gradient = found.sizes.gradient["hidden.1.activation"]
    assert [str(found.size(gradient, step)) for step in (1, 2)] == ["-1/2", "max(-c, -1/2)"]
    for c in (HALF, Fraction(3, 4), Fraction(1)):
        moved = [found.change(t).at(c) for t in ("input", "hidden.0", "hidden.1", "readout")]  # type: ignore[union-attr]
        assert moved == [-HALF - c, HALF - c, HALF - c, 1 - c]
    text = found.explain()
    for line in (
        "1/2 <= c < 1: controlled divergence: logits grow, features and updates don't",
        "c < 1/2: catastrophic: sizes grow with every step",
        "nothing reads the size of the logits: the steps above close without them",
        "change of the logits for c from 1/2 to 1, step by step: 1 - c; 1 - c; 1 - c; 1 - c",
    ):
        assert line in text
    two = th.mechanism(th.mlp(2), "sp", "sgd", "cross-entropy").explain()
    assert "0 <= c < 1: controlled divergence" in two
    assert "hidden" not in two


def test_control_the_squared_loss_has_another_text() -> None:
    text = th.mechanism(th.mlp(4), "sp", "sgd", "squared").explain()
    assert "the exponents feed on themselves" in text
    assert "1 - c; 2 - 2 c; 3 - 3 c; 4 - 4 c" in text
    assert "controlled divergence" not in text
    adam = th.mechanism(th.mlp(4), "sp", "adam", "squared").explain()
    assert "adam divides by the size of the gradient" in adam
    assert "1 <= c < 3/2: controlled divergence: logits and gradients grow" in adam


def test_bad_input() -> None:
    found = th.mechanism(th.mlp(2))
    with pytest.raises(th.ScalingError) as tensor:
        found.change("hidden.0")
    assert str(tensor.value) == (
        "Mechanism.change: tensor must be one of data, input, input.activation, readout; given 'hidden.0'"
    )
    with pytest.raises(th.ScalingError, match="step must be from 1 to 8; given 9"):
        found.change("input", 9)
    with pytest.raises(TypeError, match="write Fraction"):
        th.mechanism(th.mlp(2), rates=(0.5, 1))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"rates must be two exponents, \(lowest c, highest c\); given 1"):
        th.mechanism(th.mlp(2), rates=1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="low must be less than high"):
        th.mechanism(th.mlp(2), rates=(1, 1))


def test_the_figure_shows_every_tensor() -> None:
    from scalewright.theory.mechanism.figure import plot_mechanism

    for loss in ("cross-entropy", "squared"):
        ax = plot_mechanism(th.mechanism(th.mlp(3), "sp", "sgd", loss))
        labels = [text.get_text() for text in ax.get_legend().get_texts()]
        assert labels == ["input", "hidden.0", "logits", "after 1 to 3 steps"]
        shown = {text.get_text().replace("\n", " ") for text in ax.texts}
        assert ("controlled divergence" in shown) == (loss == "cross-entropy")
