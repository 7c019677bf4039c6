"""Edges of learning rates: proved, consistent with the profile, and named where they can't be had."""

from fractions import Fraction

import pytest

from scalewright import theory as th

STEP = Fraction(1, 8)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "muon", "adafactor"])
@pytest.mark.parametrize("layers", [2, 3, 5])
def test_identity_the_profile_changes_at_the_edges(optimizer: str, layers: int) -> None:
    """Independent: the profile evaluates sizes, the edges are solved for. A step beyond an edge breaks what
    it keeps."""
    graph = th.mlp(layers)
    found = th.edges(graph, "sp", optimizer)
    start = th.named(graph, "sp", optimizer)

    def regime(rate: th.Power, further: Fraction) -> str:
        power = rate.exponent("width") + further
        return th.profile(start, lr={"width": power})["width"].regime

    low, high = found.bounded_logits, found.feature_learning
    assert regime(low, Fraction(0)) in ("kernel", "feature learning")
    assert regime(low, STEP) in ("controlled divergence", "catastrophic")
    assert regime(high, STEP) == "catastrophic"
    if found.window is not None:
        assert regime(low, STEP) == regime(high, Fraction(0)) == "controlled divergence"


def test_edges_carry_their_proofs() -> None:
    found = th.edges(th.mlp(4), "sp", "sgd")
    assert all(p.verify() for p in found.solved.values())
    text = found.explain("feature learning")
    assert text.rstrip().endswith("hence lr ~ n^-1/2")
    assert "one rate: every parameter has the same learning rate" in text
    with pytest.raises(th.ScalingError) as caught:
        found.explain("loss")
    assert str(caught.value) == (
        "Edges.explain: edge must be one of bounded logits, feature learning; given 'loss'"
    )


def test_json_and_tables_say_the_same() -> None:
    found = th.edges(th.mlp(3), "sp", "sgd")
    data = found.to_json()
    assert data["bounded_logits"] == {"width": "-1"}
    assert data["window"] == [{"width": "-1"}, {"width": "-1/2"}]
    assert [layer["name"] for layer in data["layers"]] == list(found.layers)
    assert "| hidden.0.weight | n^-1/2 | n^-1/2 | n^-1 |" in found.to_markdown()
    assert "hidden.0.weight" in found.to_latex() + found.to_html()
    assert th.edges(th.mlp(3), "sp", "sgd", "squared").to_json()["window"] is None


def test_edges_of_other_initialisations() -> None:
    """A readout that starts at n^-1 (muP) has smaller gradients before it: alone, the input bears the rate
    n."""
    for given in ("mup", th.derive(th.mlp(3), "sgd")):
        layers = th.edges(th.mlp(3), given, "sgd").layers
        assert [str(layer.alone) for layer in layers.values()] == ["n", "1", "n^-1"]
        assert [str(layer.jointly) for layer in layers.values()] == ["n", "1", "n^-1"]
    network = th.edges(th.gpt(), "sp", "adam")
    assert str(network.feature_learning) == "n^-1"
