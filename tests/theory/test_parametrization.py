"""What a parametrization answers: numbers, tables, JSON and proofs."""

import json
from dataclasses import replace

import pytest

from scalewright.theory import (
    Certificate,
    Numbers,
    Parametrization,
    Power,
    ScalingError,
    Unverified,
    derive,
    gpt,
    mlp,
    named,
)


def test_identity_numbers_are_powers_of_the_ratio_to_the_base_width() -> None:
    p = derive(mlp(3), "sgd")
    numbers = p.at(width=64, base_width=4, inputs=9, gamma=2)
    assert numbers["input.weight"] == Numbers(1.0, 1 / 3, 16 * 4 / 9)
    assert numbers["hidden.0.weight"] == Numbers(1.0, 1 / 4, 4.0)
    assert numbers["readout.weight"] == Numbers(1.0, 1 / 32, 1 / 16)
    # At the base width every power of the width is 1; sizes that aren't given are 1.
    assert set(p.at(width=4, base_width=4).values()) == {Numbers(1.0, 1.0, 1.0)}
    assert p.at(width=8) != p.at(width=8, base_width=4)


def test_with_lr_prescribes_the_rate_and_says_so() -> None:
    sp = named(mlp(3), "sp")
    fixed = sp.with_lr({"width": 0})
    assert {s.lr for s in fixed.entries.values()} == {Power.one()}
    assert {s.lr for s in sp.with_lr(Power({"width": "-1/2"})).entries.values()} == {Power({"width": "-1/2"})}
    assert [s.init_std for s in fixed.entries.values()] == [s.init_std for s in sp.entries.values()]
    assert fixed.explain("input.weight", "lr") == "input.weight: lr ~ 1, prescribed and not derived\n"
    rates = {name: Power({"width": i}) for i, name in enumerate(sp.entries)}
    assert [s.lr for s in sp.with_lr(rates).entries.values()] == list(rates.values())


MARKDOWN = """\
mup, adam, gauge no-multipliers; n = width

| parameter | multiplier | initial std | learning rate | epsilon |
| --- | --- | --- | --- | --- |
| input.weight | 1 | 1 | 1 | n^-1 |
| hidden.0.weight | 1 | n^-1/2 | n^-1 | n^-1 |
| readout.weight | 1 | n^-1 | n^-1 | 1 |
"""


def test_tables() -> None:
    p = derive(mlp(3), "adam")
    assert p.to_markdown() == MARKDOWN
    assert p._repr_markdown_() == MARKDOWN
    assert r"\texttt{hidden.0.weight} & $1$ & $n^{-1/2}$ & $n^{-1}$ & $n^{-1}$ \\" in p.to_latex()
    assert r"$n^{-1} \gamma^{-1}$" in p.to_latex(("width", "gamma"))
    row = (
        "<tr><td><code>readout.weight</code></td><td>1</td><td><i>n</i><sup>-1</sup></td>"
        "<td><i>n</i><sup>-1</sup></td><td>1</td></tr>"
    )
    assert row in p.to_html()
    assert "inputs^-1/2" not in p.to_markdown()
    assert "inputs^-1/2" in p.to_markdown(("width", "inputs"))


def test_json() -> None:
    data = json.loads(json.dumps(derive(mlp(3), "sgd").to_json()))
    assert data["parameters"][2] == {
        "name": "readout.weight",
        "multiplier": {"width": "0"},
        "init_std": {"width": "-1"},
        "lr": {"width": "-1"},
        "eps": None,
        "weight_decay": None,
    }
    assert [entry["name"] for entry in data["parameters"]] == [
        "input.weight",
        "hidden.0.weight",
        "readout.weight",
    ]
    assert data["certificate"]["verified"] is True
    proof = data["certificate"]["axes"]["width"]["proofs"]["c[readout.weight]"]
    assert proof[-1] == "so c[readout.weight] = 1"
    assert (data["optimizer"], data["gauge"], data["axes"]) == ("sgd", "no-multipliers", ["width"])


SP_PROOF = """\
readout.weight: lr ~ n^-1
A weight acts as N^-a w, starts with deviation N^-b, has rate N^-c, epsilon N^e and decay N^w.
s, D, G are the exponents of a tensor's size, of its change, and of the gradient with respect to it; z is
max(s, D); E of an effective update (W_t - W_0) x_t; g and U of a weight's gradient and of its update; M of
what the gradient is divided by; N^-m is a factor that belongs to no weight.

Without multipliers, on the axis N = width:
1 x [z[input] - a[readout.weight] - g[readout.weight] = 0] \
<- gradient of readout.weight where readout uses it: G x
1 x [g[readout.weight] - a[readout.weight] - c[readout.weight] - U[readout.weight] = 0] \
<- update of readout.weight: SGD steps by the gradient
1 x [1 + s[input] + U[readout.weight] - E[readout] <= 0] \
<- effective update of readout: (W_t - W_0) x_0 sums over width: aligned terms, law of large numbers
1 x [E[readout] - D[readout] <= 0] <- change of readout: effective update (W_t - W_0) x_t
1 x [s[input] - z[input] <= 0] <- later size of input: its initial size
2 x [a[readout.weight] = 0] <- gauge: no multipliers
(-2) x [s[input] = 0] <- unit gain: input starts at Theta(1)
1 x [D[readout] <= 0] <- bounded logits: readout moves by at most Theta(1)
add up to 1 - c[readout.weight] <= 0
so c[readout.weight] >= 1
"""


def squeezed(text: str) -> list[str]:
    """Return the lines with runs of blanks, which only align columns, made one."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_a_proof_reads_line_by_line() -> None:
    text = named(mlp(2), "sp").explain("readout.weight", "lr")
    lines, wanted = text.splitlines(), SP_PROOF.splitlines()
    assert [" ".join(line.split()) for line in lines[: len(wanted)]] == [
        " ".join(line.split()) for line in wanted
    ]
    assert lines[-1] == "hence lr ~ n^-1"


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("name", ["sp", "ntp", "mup", "mean-field"])
def test_every_entry_has_a_proof_that_ends_in_its_exponent(name: str, optimizer: str) -> None:
    p = named(mlp(3), name, optimizer)
    bare = p.in_gauge("no-multipliers")
    for parameter, scaling in bare.entries.items():
        for quantity in ("multiplier", "init_std", "lr", "eps", "weight_decay"):
            power = getattr(scaling, quantity)
            if power is not None:
                assert f"hence {quantity} ~ {power.only(['width'])}\n" in p.explain(parameter, quantity)


def refused(p: Parametrization, call: str) -> str:
    """Return the sentence with which a call is refused."""
    calls = {
        "size": lambda: p.at(width=8, heads=2),
        "axis": lambda: p.at(inputs=3),
        "sign": lambda: p.at(width=0),
        "parameter": lambda: p["hidden.weight"],
        "quantity": lambda: p.explain("input.weight", "rate"),
        "eps": lambda: p.explain("input.weight", "eps"),
        "rates": lambda: p.with_lr({"input.weight": Power.one()}),
    }
    with pytest.raises(ScalingError) as caught:
        calls[call]()
    return str(caught.value)


def test_bad_input() -> None:
    p = derive(mlp(3))
    names = "input.weight, hidden.0.weight, readout.weight"
    assert refused(p, "size") == (
        "Parametrization.at: sizes must be among width, base_width, gamma, inputs, outputs; given 'heads'"
    )
    assert refused(p, "axis") == "Parametrization.at: the size of axis 'width' must be given; given none"
    assert refused(p, "sign") == "Parametrization.at: width must be a positive finite number; given 0"
    assert (
        refused(p, "parameter") == f"Parametrization: parameter must be one of {names}; given 'hidden.weight'"
    )
    assert refused(p, "quantity") == (
        "explain: quantity must be one of multiplier, init_std, lr, eps, weight_decay; given 'rate'"
    )
    assert refused(p, "eps") == "explain: sgd must have eps; it has none"
    assert refused(p, "rates") == (
        f"Parametrization.with_lr: a mapping to Powers must name {names}; given input.weight"
    )
    with pytest.raises(TypeError) as kind:
        p.with_lr(0.1)  # type: ignore[arg-type]
    assert str(kind.value) == "Parametrization.with_lr: lr must be a Power or a mapping; given 0.1"


@pytest.mark.parametrize(
    ("lr", "kind", "message"),
    [
        (
            {"readout.weight": -1},
            TypeError,
            "the rate of parameter 'readout.weight' must be a Power; given -1: write "
            "{'readout.weight': Power({'width': '-1'})}, with a Power for every other parameter",
        ),
        (
            {"width": Power.one(), "inputs": 1},
            TypeError,
            "a mapping must give Powers to parameters or exponents to sizes; "
            "given both, with Power({}) for 'width'",
        ),
        (
            {"readout": -1},
            ScalingError,
            "sizes must be among width, gamma, inputs, outputs; given 'readout'",
        ),
        (
            Power({"heads": 1}),
            ScalingError,
            "sizes must be among width, gamma, inputs, outputs; given 'heads'",
        ),
    ],
)
def test_rates_that_cannot_be_read_are_refused(lr: object, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        derive(mlp(3)).with_lr(lr)  # type: ignore[arg-type]
    assert str(caught.value) == f"Parametrization.with_lr: {message}"


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("name", ["sp", "ntp", "mup", "mean-field"])
def test_identity_entries_are_what_the_certificate_proves_in_every_gauge(name: str, optimizer: str) -> None:
    p = named(mlp(3, bias=True), name, optimizer)
    for gauge in ("no-multipliers", "unit-variance", "tensor-programs-4", "output-multiplier"):
        assert p.in_gauge(gauge).verify()
        assert p.in_gauge(gauge).with_lr({"width": 0}).verify()


def test_control_wrong_entries_are_noticed_and_fixed_sizes_are_not_certified() -> None:
    p = named(mlp(3), "mup")
    entry = p["readout.weight"]
    wrong = entry.with_lr(entry.lr * Power({"width": "1/2"}))
    forged = replace(p, entries={**p.entries, "readout.weight": wrong})
    assert forged.certificate.verify()  # Control: the certificate by itself doesn't read the entries.
    with pytest.raises(Unverified) as caught:
        forged.verify()
    assert str(caught.value) == (
        "Parametrization.verify: without multipliers, the exponent of width in lr of readout.weight must be "
        "-1, as certified; given -1/2"
    )
    assert replace(forged, prescribed=("lr",)).verify()
    fixed = p["input.weight"].with_lr(p["input.weight"].lr * Power({"inputs": 1}))
    assert replace(p, entries={**p.entries, "input.weight": fixed}).verify()
    with pytest.raises(Unverified) as missing:
        replace(p, entries={"readout.weight": entry}).verify()
    assert str(missing.value) == (
        "Parametrization.verify: entries must be those of input.weight, hidden.0.weight, readout.weight; "
        "given readout.weight"
    )
    with pytest.raises(Unverified) as axis:
        replace(p, axes=("inputs",)).verify()
    assert str(axis.value) == "Parametrization.verify: nothing is proved on the axis 'inputs'"
    with pytest.raises(Unverified) as empty:
        replace(p, certificate=Certificate(())).verify()
    assert str(empty.value) == "certificate: it proves nothing: it has no axes"


def test_names_may_leave_out_weight_and_factors_have_proofs() -> None:
    """`explain` takes a layer for its weight, and a node for its factor; `factors_at` gives numbers."""
    p = derive(gpt(heads="fixed"), "adamw", ("width", "depth"))
    assert p.explain("blocks.attention.query", "lr") == p.explain("blocks.attention.query.weight", "lr")
    assert "hence multiplier ~ n^-1" in p.explain("blocks.attention.scores", "multiplier")
    factors = p.factors_at(width=64, base_width=16, depth=8, base_depth=2)
    assert factors == dict.fromkeys(p.multipliers, 0.25)


@pytest.mark.parametrize("quantity", ["init_std", "lr", "eps", "weight_decay"])
def test_every_entry_of_a_transformer_is_explained(quantity: str) -> None:
    p = derive(gpt(), "adamw", ("width", "depth"))
    for name in ("embedding", "blocks.mlp.up", "blocks.mlp.norm", "readout"):
        text = p.explain(name, quantity)
        assert text.count("on the axis N = ") == 2
        assert f"hence {quantity} ~ " in text


def test_identity_sizes_are_what_at_takes() -> None:
    """Identity: every name of `sizes` is accepted, and a name that is not among them is refused."""
    for p in (derive(mlp(3), "sgd"), named(gpt(), "depth-mup", "adam")):
        p.at(**dict.fromkeys(p.sizes, 2))
        assert len(set(p.sizes)) == len(p.sizes)
        with pytest.raises(ScalingError, match=f"among {', '.join(p.sizes)}; given 'height'$"):
            p.at(width=2, height=2)
    assert derive(mlp(3), "sgd").sizes == ("width", "base_width", "gamma", "inputs", "outputs")
