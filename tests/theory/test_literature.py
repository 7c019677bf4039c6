"""Published tables, each derived from requirements and compared with its source. Nothing here is solved
twice."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalewright import theory as th
from scalewright.theory import desiderata as d
from scalewright.theory.calculus.alignment import full, none

HALF = Fraction(1, 2)
THREE = ("input.weight", "hidden.0.weight", "readout.weight")


def powers(p: th.Parametrization, quantity: str, axis: str = "width") -> list[str]:
    """Return one column of a table as exponents of an axis."""
    return [str(getattr(entry, quantity).exponent(axis)) for entry in p.entries.values()]


def of(p: th.Parametrization, name: str, quantity: str) -> str:
    """Return one entry on the axes of the table."""
    return str(getattr(p[f"{name}.weight"], quantity).only(p.axes))


# Everett et al. 2024 (arXiv:2407.05872), table 1: exponents c of the rate n^-c for input, hidden and readout,
# given multipliers n^-a and deviations n^-b; full and no alignment.
EVERETT = {
    "standard": (("0", "0", "0"), ("0", "1/2", "1/2")),
    "ntk": (("0", "1/2", "1/2"), ("0", "0", "0")),
    "mup": (("-1/2", "0", "1/2"), ("1/2", "1/2", "1/2")),
    "mean-field": (("0", "1/2", "1"), ("0", "0", "0")),
}
RATES = {
    ("standard", "sgd"): (("-1/2", "1/2", "1"), ("-1/2", "0", "1/2")),
    ("standard", "adam"): (("0", "1", "1"), ("0", "1/2", "1/2")),
    ("standard", "adafactor"): (("0", "1/2", "1/2"), ("0", "0", "0")),
    ("ntk", "sgd"): (("-1/2", "-1/2", "0"), ("-1/2", "-1", "-1/2")),
    ("ntk", "adam"): (("0", "1/2", "1/2"), ("0", "0", "0")),
    ("ntk", "adafactor"): (("0", "1/2", "1/2"), ("0", "0", "0")),
    ("mup", "sgd"): (("0", "0", "0"), ("0", "-1/2", "0")),
    ("mup", "adam"): (("1/2", "1", "1/2"), ("1/2", "1/2", "0")),
    ("mup", "adafactor"): (("0", "1/2", "0"), ("0", "0", "-1/2")),
    ("mean-field", "sgd"): (("-1", "-1", "-1"), ("-1", "-3/2", "-1")),
    ("mean-field", "adam"): (("0", "1/2", "0"), ("0", "0", "-1/2")),
    ("mean-field", "adafactor"): (("0", "1/2", "0"), ("0", "0", "-1/2")),
}


def started(stds: Sequence[Fraction]) -> d.Desideratum:
    """Return the requirement that three layers start with deviations n^-b, stated without multipliers."""
    return d.prescribe("init_std", dict(zip(THREE, (-b for b in stds), strict=True)))


@pytest.mark.parametrize("aligned", [True, False], ids=["full", "none"])
@pytest.mark.parametrize(("name", "optimizer"), list(RATES))
def test_literature_everett(name: str, optimizer: str, aligned: bool) -> None:
    multipliers, stds = (list(map(Fraction, row)) for row in EVERETT[name])
    start = started([a + b for a, b in zip(multipliers, stds, strict=True)])
    require = [start, d.stable_features, d.bounded_logits, d.largest_total_rate()]
    p = th.derive(th.mlp(3), optimizer, require=require, alignment=full() if aligned else none())
    moved = [
        p[parameter].shifted(th.Power({"width": -a}), p.optimizers[parameter])
        for parameter, a in zip(THREE, multipliers, strict=True)
    ]
    expected = RATES[name, optimizer][0 if aligned else 1]
    assert [str(-entry.lr.exponent("width")) for entry in moved] == list(expected)


def test_largest_rates_can_compete() -> None:
    """Without alignment, muP under SGD trades the readout's rate against the others': none is largest at
    once."""
    require = [started([Fraction(0), HALF, Fraction(1)]), d.stable_features, d.bounded_logits]
    with pytest.raises(th.NotUnique) as caught:
        th.derive(th.mlp(3), require=[*require, d.largest_rates], alignment=none())
    assert str(caught.value) == "derive: no single choice has every extreme of 'largest rates'"
    heavy = d.largest_total_rate({"readout.weight": 5})
    p = th.derive(th.mlp(3), require=[*require, heavy], alignment=none())
    light = th.derive(th.mlp(3), require=[*require, d.largest_total_rate()], alignment=none())
    assert p["readout.weight"].lr.exponent("width") > light["readout.weight"].lr.exponent("width")


# Haas et al. 2025 (arXiv:2505.22491), figures of the refined coordinate check: exponents of the effective
# update at the first step that has one, (optimizer, layers, c, readout starts at zero).
COORDINATE_CHECK = {
    ("sgd", 3, "1/2", False): ("-1", "0", "1/2"),
    ("sgd", 3, "0", False): ("-1/2", "1/2", "1"),
    ("sgd", 2, "0", False): ("-1/2", "1"),
    ("adam", 3, "1", False): ("-1", "0", "0"),
    ("adam", 3, "1/2", False): ("-1/2", "1/2", "1/2"),
    ("adam", 3, "0", False): ("0", "1", "1"),
    ("adam", 2, "0", False): ("0", "1"),
    ("adam", 2, "1/2", False): ("-1/2", "1/2"),
    ("sgd", 3, "0", True): ("0", "1", "1"),
    ("sgd", 2, "0", True): ("0", "1"),
}


def zero_readout(p: th.Parametrization) -> th.Parametrization:
    """Return the parametrization of the same network with a readout that starts at zero."""
    graph = p.architecture
    nodes = [replace(n, kind="zero") if n.name == "readout.weight" else n for n in graph.nodes]
    return replace(p, architecture=th.Architecture(nodes, dict(graph.dimensions)))


@pytest.mark.parametrize("case", list(COORDINATE_CHECK))
def test_literature_refined_coordinate_check(case: tuple[str, int, str, bool]) -> None:
    optimizer, layers, c, zero = case
    p = th.named(th.mlp(layers), "sp", optimizer).with_lr({"width": -Fraction(c)})
    found = th.profile(zero_readout(p) if zero else p)["width"]
    step = found.steps[1 if zero else 0]
    assert tuple(str(row.effective) for row in step) == COORDINATE_CHECK[case]


# The same paper, proposition 2 and section 4: edges of the global rate, by (optimizer, layers, loss).
EDGES = {
    ("sgd", 4, "cross-entropy"): ("-1", "-1/2"),
    ("sgd", 2, "cross-entropy"): ("-1", "0"),
    ("adam", 4, "cross-entropy"): ("-3/2", "-1"),
    ("adam", 2, "cross-entropy"): ("-1", "0"),
    ("sgd", 4, "brier"): ("-1", "-1/2"),
    ("sgd", 4, "squared"): ("-1", "-1"),
    ("sgd", 2, "squared"): ("-1", "-1"),
    # Adam's steps don't read how large the residual is: its window is there under the squared loss as well.
    ("adam", 4, "squared"): ("-3/2", "-1"),
    ("adam", 2, "brier"): ("-1", "0"),
}


@pytest.mark.parametrize("case", list(EDGES))
def test_literature_edges_of_standard_parametrization(case: tuple[str, int, str]) -> None:
    optimizer, layers, loss = case
    found = th.edges(th.mlp(layers), "sp", optimizer, loss)
    rates = (found.bounded_logits, found.feature_learning)
    assert tuple(str(rate.exponent("width")) for rate in rates) == EDGES[case]
    assert (found.window is None) == (loss == "squared" and optimizer == "sgd")


@pytest.mark.parametrize("loss", ["cross-entropy", "squared"])
@pytest.mark.parametrize("name", ["mup", "ntp"])
def test_literature_other_parametrizations_have_no_window(name: str, loss: str) -> None:
    """Haas et al., section 4: muP and NTP are at their edge of bounded logits under either loss, with rates
    by layer."""
    for optimizer in ("sgd", "adam"):
        found = th.mechanism(th.mlp(4), name, optimizer, loss)
        assert found.by_layer
        assert found.bounded_logits == 0
        regime = th.profile(th.named(th.mlp(4), name, optimizer), loss=loss)["width"].regime
        assert regime == ("feature learning" if name == "mup" else "kernel")


def test_literature_edges_by_layer() -> None:
    """Haas et al.: readout n^-1, hidden n^-1/2, input n^0 for one rate; alone, the input bears n^1/2
    (Everett)."""
    layers = th.edges(th.mlp(4), "sp", "sgd", "cross-entropy").layers
    assert [str(layer.beside_readout) for layer in layers.values()] == ["1", "n^-1/2", "n^-1/2", "n^-1"]
    assert [str(layer.alone) for layer in layers.values()] == ["n^1/2", "n^-1/2", "n^-1/2", "n^-1"]
    adam = th.edges(th.mlp(4), "sp", "adam", "cross-entropy").layers
    assert [str(layer.beside_readout) for layer in adam.values()] == ["1", "n^-1", "n^-1", "n^-1"]
    aligned = th.edges(th.mlp(4), "sp", "adam", alignment=full())
    assert (str(aligned.bounded_logits), aligned.window) == ("n^-1", None)


# Haas et al., tables of section 4: at one global rate n^-c, effective update by layer, the readout's
# propagating update, the logits, and the regime; by (optimizer, layers, c, alignment of the initial readout).
PROFILES = {
    ("sgd", 3, "1/2", "1"): (("-1", "0", "1/2"), "1/2", "1/2", "controlled divergence"),
    ("sgd", 3, "3/4", "1"): (("-5/4", "-1/4", "1/4"), "1/4", "1/4", "controlled divergence"),
    ("sgd", 3, "1", "1"): (("-3/2", "-1/2", "0"), "0", "0", "kernel"),
    ("sgd", 2, "0", "1"): (("0", "1"), "1/2", "1", "controlled divergence"),
    ("sgd", 3, "1/2", "1/2"): (("-1", "0", "1/2"), "0", "1/2", "controlled divergence"),
    ("adam", 3, "1", "1"): (("-1", "0", "0"), "1/2", "1/2", "controlled divergence"),
    ("adam", 3, "3/2", "1"): (("-3/2", "-1/2", "-1/2"), "0", "0", "kernel"),
    ("adam", 3, "1", "1/2"): (("-1", "0", "0"), "0", "0", "feature learning"),
    ("adam", 2, "0", "1"): (("0", "1"), "1/2", "1", "controlled divergence"),
}


@pytest.mark.parametrize("case", list(PROFILES))
def test_literature_profiles_of_standard_parametrization(case: tuple[str, int, str, str]) -> None:
    optimizer, layers, c, narrow = case
    given = th.named(th.mlp(layers), "sp", optimizer)
    aligned = th.Alignment(narrow=Fraction(narrow))
    found = th.profile(given, lr={"width": -Fraction(c)}, alignment=aligned)["width"]
    effective, propagating, logits, regime = PROFILES[case]
    assert tuple(str(row.effective) for row in found.later) == effective
    assert str(found.row("readout").propagating) == propagating
    assert (str(found.row("readout").change), found.regime) == (logits, regime)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_literature_below_the_edge_everything_diverges(optimizer: str) -> None:
    """Proposition 2: c < 1/2 (SGD), c < 1 (Adam) is catastrophic; under the squared loss every c < 1 is."""
    p = th.named(th.mlp(3), "sp", optimizer)
    assert th.profile(p, lr={"width": "-1/4"})["width"].regime == "catastrophic"
    squared = th.profile(th.named(th.mlp(3), "sp", "sgd"), loss="squared", lr={"width": "-3/4"})["width"]
    assert squared.regime == "catastrophic"
    assert squared.row("readout").change == "oo"


def test_literature_sp_full_align() -> None:
    """Haas et al., section 5: every layer moves by Theta(1), yet the logits grow as n^1/2: W_0 passes them
    on."""
    for optimizer, rates in (("sgd", ["1/2", "-1/2", "-1"]), ("adam", ["0", "-1", "-1"])):
        p = th.named(th.mlp(3), "sp-full-align", optimizer)
        assert powers(p, "lr") == rates
        found = th.profile(p)["width"]
        assert [row.effective for row in found.later] == [0, 0, 0]
        assert (found.row("readout").change, found.regime) == (HALF, "controlled divergence")
        # With a readout rate larger by n^1/2 what the readout learns catches up with what it passes on.
        raised = {**{k: e.lr for k, e in p.entries.items()}}
        raised["readout.weight"] = raised["readout.weight"] * th.Power({"width": "1/2"})
        larger = th.profile(p.with_lr(raised))["width"].row("readout")
        assert (larger.effective, larger.propagating, larger.change) == (HALF, HALF, HALF)
    with pytest.raises(th.Infeasible):
        th.named(th.mlp(3, loss="squared"), "sp-full-align", "sgd")


SIXTHS = st.fractions(-2, 2, max_denominator=4)


@settings(max_examples=150, deadline=None)
@given(st.lists(SIXTHS, min_size=3, max_size=3), st.fractions(HALF, 2, max_denominator=4), SIXTHS)
def test_literature_tensor_programs_4(multipliers: list[Fraction], readout: Fraction, c: Fraction) -> None:
    """Yang and Hu 2021 (arXiv:2011.14522), section 3: stability, and Delta x^L = n^-r with
    r = min(a_R + b_R, 2 a_R + c) + c - 1 + min_l (2 a_l + 1[l = 1]), for any abc-parametrization."""
    first, hidden, last = multipliers
    total = {"input.weight": Fraction(0), "hidden.0.weight": HALF, "readout.weight": readout}
    base = th.named(th.mlp(3, activation="tanh"), "mup", "sgd")
    entries = {
        name: replace(
            base[name],
            multiplier=th.Power({"width": -a}),
            init_std=th.Power({"width": a - total[name]}),
            lr=th.Power({"width": -c}),
        )
        for name, a in zip(THREE, (first, hidden, last), strict=True)
    }
    found = th.profile(replace(base, entries=entries))["width"]
    r = min(readout, 2 * last + c) + c - 1 + min(2 * first + 1, 2 * hidden)
    stable = r >= 0 and 2 * last + c >= 1 and readout + r >= 1
    assert stable == (found.regime not in ("catastrophic", "controlled divergence"))
    if stable:
        assert found.row("hidden.0").change == -r
        assert (found.regime == "feature learning") == (r == 0 and (readout + r == 1 or 2 * last + c == 1))


def test_literature_tensor_programs_5_tables_are_one_parametrization() -> None:
    """Yang et al. 2022 (arXiv:2203.03466), tables 3, 8 and 9, typed from the paper, are equivalent under
    Adam."""
    columns = {
        "3": (("0", "0", "0"), ("0", "-1/2", "-1"), ("0", "-1", "-1")),
        "8": (("0", "0", "-1"), ("0", "-1/2", "0"), ("0", "-1", "0")),
        "9": (("1/2", "0", "-1/2"), ("-1/2", "-1/2", "-1/2"), ("-1/2", "-1", "-1/2")),
    }
    base = th.derive(th.mlp(3), "adam")
    typed = {}
    for table, (multiplier, std, lr) in columns.items():
        entries = {}
        for place, name in enumerate(THREE):
            a = th.Power({"width": multiplier[place]})
            entries[name] = replace(
                base[name],
                multiplier=a,
                init_std=th.Power({"width": std[place]}),
                lr=th.Power({"width": lr[place]}),
                eps=base[name].eps * a,  # type: ignore[operator]
            )
        typed[table] = replace(base, entries=entries)
    for table in columns:
        same = th.equivalent(base, typed[table])
        assert same, str(same)
        assert str(same.gauge["readout.weight"].exponent("width")) == columns[table][0][2]
    assert not th.equivalent(typed["3"], th.named(th.mlp(3), "sp", "adam"))


@pytest.mark.parametrize(
    ("optimizer", "std", "rates"),
    [
        ("sgd", ("0", "-1/2", "-1"), ("1", "0", "-1")),
        ("adam", ("0", "-1/2", "-1"), ("0", "-1", "-1")),
        ("lion", ("0", "-1/2", "-1"), ("0", "-1", "-1")),
        ("adafactor", ("0", "-1/2", "-1"), ("0", "-1/2", "0")),
        ("muon", ("0", "-1/2", "-1"), ("1/2", "0", "-1/2")),
        ("shampoo", ("0", "-1/2", "-1"), ("1/2", "0", "-1/2")),
    ],
)
def test_literature_maximal_update_by_optimizer(
    optimizer: str, std: tuple[str, ...], rates: tuple[str, ...]
) -> None:
    """Yang et al. 2022; Everett et al. 2024 (Adafactor); Jordan et al. 2024 and Bernstein 2024 (Muon:
    sqrt(fan_out / fan_in)), of which Shampoo with power 1/4 is the same step."""
    p = th.derive(th.mlp(3), optimizer)
    assert (tuple(powers(p, "init_std")), tuple(powers(p, "lr"))) == (std, rates)


def test_literature_epsilon_and_decay_of_adamw() -> None:
    """Yang et al. 2022, appendix B.3 and Dey et al. 2025: epsilon like the gradient, decay against the
    rate."""
    p = th.derive(th.mlp(3), "adamw")
    assert powers(p, "eps") == ["-1", "-1", "0"]
    assert powers(p, "weight_decay") == ["0", "1", "1"]
    assert powers(th.derive(th.mlp(3), "adamw-independent"), "weight_decay") == ["0", "0", "0"]


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(
    ("optimizer", "rates"),
    [
        ("sgd", {"depth-mup": "1", "completep": "L"}),
        ("adam", {"depth-mup": "L^-1/2", "completep": "1"}),
    ],
)
def test_literature_depth(layers: int, optimizer: str, rates: dict[str, str]) -> None:
    """Yang et al. 2023 (arXiv:2310.02244): branches L^-1/2, Adam L^-1/2; Dey et al. 2025 (arXiv:2505.01618):
    L^-1, 1.

    Bordelon et al. 2023 (arXiv:2309.16620) and Dey et al.: SGD L^(2 alpha - 1)."""
    graph = th.resnet(layers)
    p = th.derive(graph, optimizer, ("width", "depth"))
    (segment,) = p.segments
    assert (segment.low, segment.high, set(segment.ends)) == (HALF, 1, set(rates))
    for name, rate in rates.items():
        end = th.named(graph, name, optimizer)
        assert str(end["blocks.0.weight"].lr.only(["depth"])) == rate
        assert end.entries == p.vertices[name].entries
        assert str(end.multipliers["blocks.sum.branch"]) == f"L^-{segment.at(name)}".replace("^-1/2", "^-1/2")
    middle = segment.between(Fraction(3, 4))
    assert middle["c[blocks.0.weight]"] == (-HALF if optimizer == "sgd" else Fraction(1, 4))


def test_literature_transformer() -> None:
    """Dey et al. 2025, table 1 (CompleteP, alpha = 1), with a fixed number of heads: 1/d attention (Yang et
    al. 2022)."""
    p = th.named(th.gpt(heads="fixed", bias=True), "completep", "adamw")
    for name in ("query", "key", "value", "output"):
        row = tuple(of(p, f"blocks.attention.{name}", q) for q in ("init_std", "lr", "eps", "weight_decay"))
        assert row == ("n^-1/2", "n^-1", "n^-1 L^-1", "n")
    for name in ("embedding", "blocks.mlp.norm", "norm"):
        assert of(p, name, "lr") == "1"
    assert str(p["blocks.mlp.up.bias"].lr.only(p.axes)) == "1"
    assert (of(p, "blocks.mlp.norm", "eps"), of(p, "norm", "eps")) == ("n^-1 L^-1", "n^-1")
    readout = p.in_gauge("table-8")["readout.weight"]
    row = [str(x.only(p.axes)) for x in (readout.multiplier, readout.init_std, readout.lr)]
    assert row == ["n^-1", "1", "1"]
    assert str(readout.eps.only(p.axes)) == "n^-1"  # type: ignore[union-attr]
    assert {name: str(power) for name, power in p.multipliers.items()} == {
        "blocks.attention.scores": "n^-1",
        "blocks.attention.sum.branch": "L^-1",
        "blocks.mlp.sum.branch": "L^-1",
    }


@pytest.mark.parametrize(("optimizer", "rate"), [("sgd", "n"), ("adam", "1")])
def test_literature_tied_embeddings_need_the_output_multiplier(optimizer: str, rate: str) -> None:
    """Yang et al. 2022, section on tied embeddings: the output multiplier 1/n, and nothing else, makes it
    work."""
    p = th.derive(th.gpt(tied=True), optimizer)
    assert str(p.multipliers["readout.multiplier"]) == "n^-1"
    assert of(p, "embedding", "lr") == rate
    for power in ("0", "-1/2", "-3/2"):
        fixed = d.prescribe("multiplier", {"readout.multiplier": power})
        with pytest.raises(th.Infeasible):
            th.derive(th.gpt(tied=True), optimizer, require=[*d.MAXIMAL_UPDATE, fixed])


@pytest.mark.parametrize("s", ["0", "1/4", "1/2"])
def test_literature_richness_between_lazy_and_maximal(s: str) -> None:
    """Chizat et al. 2019, Yang and Hu 2021: a readout smaller by n^-s moves the features by n^(s - 1/2), up
    to muP."""
    start = started([Fraction(0), HALF, HALF + Fraction(s)])
    require = [start, d.stable_features, d.bounded_logits, d.largest_rates]
    found = th.profile(th.derive(th.mlp(3), "sgd", require=require))["width"]
    assert found.row("hidden.0").change == Fraction(s) - HALF
    assert found.regime == ("feature learning" if s == "1/2" else "kernel")


def test_literature_batch_size() -> None:
    """Goyal et al. 2017 (SGD: linear); Malladi et al. 2022 (arXiv:2205.10287; Adam: square root, epsilon
    B^-1/2)."""
    sgd, adam = (th.derive(th.mlp(3), optimizer, ("batch",)) for optimizer in ("sgd", "adamw"))
    assert powers(sgd, "lr", "batch") == ["1"] * 3
    assert powers(adam, "lr", "batch") == ["1/2"] * 3
    assert powers(adam, "eps", "batch") == ["-1/2"] * 3
    assert powers(th.derive(th.mlp(3), "shampoo(1/8)", ("batch",)), "lr", "batch") == ["3/4"] * 3


@pytest.mark.parametrize(("optimizer", "power"), [("sgd", "2"), ("adam", "1"), ("muon", "1")])
def test_literature_feature_strength(optimizer: str, power: str) -> None:
    """Bordelon and Pehlevan 2022, Atanasov et al. 2024 (arXiv:2410.04642): lazy rates gamma^2 (SGD), gamma
    (Adam)."""
    p = th.derive(th.mlp(3), optimizer, ("width", "gamma"))
    assert powers(p, "lr", "gamma") == [power, power, "0"]
    assert p.entries == th.derive(th.mlp(3), optimizer).entries  # what stands there by convention


def test_literature_mixture_of_experts() -> None:
    """An expert sees k of E tokens: SGD's rate E/k, epsilon k/E, Adam's rate unchanged; the sum over k
    experts 1/k."""
    sgd, adam = (th.derive(th.moe(), optimizer, ("width", "experts")) for optimizer in ("sgd", "adam"))
    assert (of(sgd, "blocks.expert.up", "lr"), of(adam, "blocks.expert.up", "lr")) == ("E", "n^-1")
    assert of(adam, "blocks.expert.up", "eps") == "n^-1 E^-1"
    assert (of(adam, "blocks.router", "init_std"), of(adam, "blocks.router", "lr")) == ("n^-1", "n^-1")
    grown = th.derive(th.moe(active="grow"), "adam", ("experts",))
    assert str(grown.multipliers["blocks.mixture"]) == "E^-1"


def test_literature_low_rank_adapters() -> None:
    """Hayou et al. 2024 (LoRA+, arXiv:2402.12354): A at n^-1, B at n^0, so their ratio grows as n."""
    p = th.derive(th.lora(), "adam")
    assert of(p, "blocks.mlp.up.A", "lr") == "n^-1"
    assert of(p, "blocks.mlp.up.B", "lr") == "1"
    assert "| blocks.mlp.up.B.weight | 1 | 0 | 1 |" in p.to_markdown()


def attention() -> th.Architecture:
    """Return one attention layer between an embedding and a readout, with a head that grows."""
    g = th.Graph(head={"width": 1})
    x = g.embedding("embedding", g.data("vocabulary", "tokens"), "width")
    query, key, value = (g.linear(name, x, "width") for name in ("query", "key", "value"))
    return g.loss(g.linear("readout", g.attention("attention", query, key, value, "head"), "outputs"))


def test_literature_standard_attention() -> None:
    """Vaswani et al. 2017 divide by d^1/2, which unit gain asks for; Yang et al. 2022 by d, for learning."""
    scores = "attention.scores"
    assert str(th.named(attention(), "sp", "adam").multipliers[scores]) == "n^-1/2"
    assert str(th.derive(attention(), "adam").multipliers[scores]) == "n^-1"
    grown = th.derive(th.gpt(heads="grow"), "adam").multipliers["blocks.attention.scores"]
    assert str(grown) == "1"
    # In a stack of blocks d^-1/2 lets every block amplify what the stream carries by n^1/2.
    with pytest.raises(th.Infeasible, match="the change of the stream must not grow over the blocks"):
        th.named(th.gpt(heads="fixed"), "sp", "adam")
