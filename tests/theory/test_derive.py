"""Derived exponents against the published tables."""

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalewright import theory as th
from scalewright.theory.strategies import chains


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
    """Yang et al. 2022 (2203.03466), table 3: variance 1, 1/n, 1/n^2; SGD n, 1, 1/n; Adam 1, 1/n, 1/n."""
    p = th.derive(th.mlp(layers=layers), optimizer)
    first, hidden, last = rates
    assert column(p, "lr") == [first, *[hidden] * (layers - 2), last]
    assert column(p, "init_std") == ["0", *["-1/2"] * (layers - 2), "-1"]
    assert column(p, "multiplier") == ["0"] * layers


def by_parameter(p: th.Parametrization) -> dict[str, tuple[str, ...]]:
    """Return every exponent of the width, by parameter."""
    quantities = ("multiplier", "init_std", "lr", "eps")
    return {
        name: tuple(str(getattr(s, q).exponent("width")) for q in quantities if getattr(s, q) is not None)
        for name, s in p.entries.items()
    }


def role(architecture: th.Architecture, parameter: str) -> str:
    """Return how a parameter of a chain must scale, by the shape of its weight alone."""
    shape = architecture.by_name[parameter].shape
    if len(shape) == 1:
        return "input" if shape == ("width",) else "output bias"
    return {"inputs": "input", "width": "hidden"}[shape[1]] if shape[0] == "width" else "readout"


MUP = {
    ("sgd", "input"): ("0", "0", "1"),
    ("sgd", "hidden"): ("0", "-1/2", "0"),
    ("sgd", "readout"): ("0", "-1", "-1"),
    ("sgd", "output bias"): ("0", "0", "0"),
    ("adam", "input"): ("0", "0", "0", "-1"),
    ("adam", "hidden"): ("0", "-1/2", "-1", "-1"),
    ("adam", "readout"): ("0", "-1", "-1", "0"),
    ("adam", "output bias"): ("0", "0", "0", "0"),
}


@settings(max_examples=40, deadline=None)
@given(chains(), st.sampled_from(["sgd", "adam"]))
def test_property_random_chains_are_mup_and_verify(architecture: th.Architecture, optimizer: str) -> None:
    p = th.derive(architecture, optimizer)
    assert p.certificate.verify()
    expected = {node.name: MUP[optimizer, role(architecture, node.name)] for node in architecture.parameters}
    assert by_parameter(p) == expected


@settings(max_examples=25, deadline=None)
@given(chains(4), st.sampled_from(["sgd", "adam"]), st.sampled_from(["sp", "ntp", "mup"]))
def test_property_relabelling_changes_nothing(
    architecture: th.Architecture, optimizer: str, name: str
) -> None:
    """The answer doesn't depend on the names of nodes, nor on the order in which they're declared."""
    new = {node.name: f"node {9 * i % 31}" for i, node in enumerate(architecture.nodes)}
    nodes = [
        th.Node(new[n.name], n.op, tuple(new[i] for i in n.inputs), n.shape, n.kind)
        for n in architecture.nodes
    ]
    other = th.Architecture(nodes[::-1], dict(architecture.dimensions))
    moved = by_parameter(th.named(other, name, optimizer))
    assert moved == {new[k]: v for k, v in by_parameter(th.named(architecture, name, optimizer)).items()}


def insert_after(architecture: th.Architecture, source: str, nodes: list[th.Node]) -> th.Architecture:
    """Return the network with nodes put between `source` and what takes it."""
    end = nodes[-1].name
    changed = [
        th.Node(n.name, n.op, tuple(end if i == source else i for i in n.inputs), n.shape, n.kind)
        for n in architecture.nodes
    ]
    return th.Architecture([*changed, *nodes], dict(architecture.dimensions))


@settings(max_examples=25, deadline=None)
@given(chains(4), st.sampled_from(["sgd", "adam"]), st.sampled_from(["sp", "ntp", "mup"]), st.data())
def test_property_identity_layers_change_nothing(
    architecture: th.Architecture, optimizer: str, name: str, data: st.DataObject
) -> None:
    tensors = [n.name for n in architecture.nodes if n.op not in ("parameter", "loss", "data")]
    source = data.draw(st.sampled_from(tensors))
    identity = th.Node("identity", "activation", (source,), kind="linear")
    before = by_parameter(th.named(architecture, name, optimizer))
    assert by_parameter(th.named(insert_after(architecture, source, [identity]), name, optimizer)) == before


def test_inserting_a_weight_layer_does_change_the_answer() -> None:
    """Control for the identity layers: a real layer makes two layers three, and moves the edge of Adam."""
    weight = th.Node("new.weight", "parameter", shape=("width", "width"))
    layer = th.Node("new", "linear", ("input.activation", "new.weight"))
    two = th.named(th.mlp(2), "sp", "adam")
    three = th.named(insert_after(th.mlp(2), "input.activation", [weight, layer]), "sp", "adam")
    assert two["input.weight"].lr == th.Power({"width": -1})
    assert three["input.weight"].lr == th.Power({"width": "-3/2"})


def test_a_wrong_exponent_is_infeasible() -> None:
    """Control: prescribing any other hidden rate contradicts the requirements of muP."""
    require = [*th.desiderata.MAXIMAL_UPDATE, th.desiderata.prescribe("lr", {"hidden.0.weight": "-1/2"})]
    with pytest.raises(th.Infeasible) as caught:
        th.derive(th.mlp(3), "sgd", require=require)
    assert "prescribed: lr of hidden.0.weight is n^-1/2" in str(caught.value)
    right = [*th.desiderata.MAXIMAL_UPDATE, th.desiderata.prescribe("lr", {"hidden.0.weight": 0})]
    assert th.derive(th.mlp(3), "sgd", require=right).entries == th.derive(th.mlp(3), "sgd").entries


def test_a_contradiction_among_equalities_is_infeasible() -> None:
    """Unit gain freezes the features if the readout passes their change on, and maximal update moves them."""
    require = ["unit gain", "maximal update", "bounded logits"]
    with pytest.raises(th.Infeasible, match="unit gain and maximal update cannot hold together"):
        th.derive(th.mlp(2, activation="linear", loss="squared"), "sgd", require=require)


def test_residual_sums_are_walked_as_a_graph() -> None:
    """On the width axis a residual block scales like the layers it is made of."""
    nodes = list(th.mlp(4).nodes)
    block = th.Node("sum", "add", ("hidden.0", "hidden.1"))
    nodes = [
        th.Node(n.name, n.op, ("sum",), n.shape, n.kind) if n.name == "hidden.1.activation" else n
        for n in nodes
    ]
    residual = th.Architecture([*nodes, block], dict(th.mlp(4).dimensions))
    for optimizer in ("sgd", "adam"):
        p = th.derive(residual, optimizer)
        assert p.certificate.verify()
        assert by_parameter(p) == by_parameter(th.derive(th.mlp(4), optimizer))


def neck(power: str) -> th.Architecture:
    """Return a four-layer network whose third layer has n^power units."""
    sizes = dict(th.mlp().dimensions) | {"neck": th.Power({"width": power})}
    shapes = {"hidden.0.weight": ("neck", "width"), "hidden.1.weight": ("width", "neck")}
    nodes = [th.Node(n.name, n.op, n.inputs, shapes.get(n.name, n.shape), n.kind) for n in th.mlp(4).nodes]
    return th.Architecture(nodes, sizes)


@pytest.mark.parametrize("optimizer", ["adam", "lion", "muon"])
def test_literature_spectral_condition_of_bottlenecks(optimizer: str) -> None:
    """Yang, Simon and Bernstein (2023): sigma ~ fan_in^-1/2 min(1, (fan_out / fan_in)^1/2)."""
    p = th.derive(neck("1/2"), optimizer)
    assert column(p, "init_std") == ["0", "-3/4", "-1/4", "-1"]
    assert p.certificate.verify()
    # Control: without a narrow layer it is fan_in^-1/2 throughout.
    assert column(th.derive(th.mlp(4), optimizer), "init_std") == ["0", "-1/2", "-1/2", "-1"]


def test_a_bottleneck_under_sgd_is_not_reached_in_a_fixed_number_of_steps() -> None:
    """Its features start at n^-1/4, and gradients that see them move them by no more than that."""
    with pytest.raises(th.Unreachable) as caught:
        th.derive(neck("1/2"), "sgd")
    assert "hidden.0 starts at N^-1/4" in str(caught.value)


def test_cost_does_not_explode_with_depth() -> None:
    """The number of cases stays at one: nothing is split in the default derivation, whatever the depth."""
    p = th.derive(th.mlp(layers=40, bias=True), "adam")
    assert type(p.certificate.on("width").stages[0].tree).__name__ == "Leaf"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"optimizer": "lbfgs"},
            "derive: optimizer must be one of sgd, sgd-l2, momentum, nesterov, adam, adamw, "
            "adamw-independent, sign, "
            "lion, adafactor, muon, shampoo; given 'lbfgs'",
        ),
        (
            {"axes": ("depth",)},
            "derive: an axis must be a size that something depends on (inputs, width, batch, gamma); given "
            "'depth'",
        ),
        (
            {"axes": ("outputs",)},
            "derive: an axis must be a size that something depends on (inputs, width, batch, gamma); given "
            "'outputs'",
        ),
        (
            {"require": ["one epsilon"]},
            "derive: require must fit the optimizer; sgd has nothing for 'one epsilon' to settle",
        ),
        ({"axes": "width"}, "derive: axes must be a tuple of distinct axis names; given 'width'"),
        (
            {"require": ["stable initialisation"]},
            "derive: the requirements leave c[input.weight] open, in one case from -oo to oo; "
            "add one that settles it",
        ),
        (
            {"require": ["unit gain", "largest rates"]},
            "derive: the requirements leave c[input.weight] without a lower bound; add one that bounds it",
        ),
    ],
)
def test_bad_input(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(th.ScalingError) as caught:
        th.derive(th.mlp(3), **arguments)
    assert str(caught.value) == message


def test_unknown_requirements_and_inexact_prescriptions_are_refused() -> None:
    with pytest.raises(th.ScalingError) as name:
        th.derive(th.mlp(3), require=["stability"])
    assert str(name.value) == (
        "derive: require must name desiderata among stable initialisation, unit gain, lazy initialisation, "
        "stable features, relative stability, bounded logits, free logits, nontrivial, effective update, "
        "maximal update, feature diversity, non-lazy blocks, one rate, largest rates, largest total rate, "
        "small epsilon, epsilon transfer, one epsilon, decay transfer; given 'stability'"
    )
    with pytest.raises(TypeError) as inexact:
        th.desiderata.prescribe("lr", {"input.weight": -0.5})
    assert str(inexact.value) == (
        "prescribe: the power of 'input.weight' must be an exact rational: Fraction, int or a string such as "
        "'-1/2'; given the float -0.5: write Fraction(-1, 2)"
    )
    with pytest.raises(th.ScalingError) as quantity:
        th.desiderata.prescribe("rate", {"input.weight": 1})
    assert str(quantity.value) == (
        "prescribe: quantity must be one of multiplier, init_std, lr, eps, weight_decay; given 'rate'"
    )
    with pytest.raises(th.ScalingError) as unknown:
        th.derive(th.mlp(3), require=[*th.desiderata.MAXIMAL_UPDATE, th.desiderata.prescribe("lr", {"w": 1})])
    assert str(unknown.value) == (
        "prescribe: parameters must be among input.weight, hidden.0.weight, readout.weight; given 'w'"
    )


NAMES = st.sets(st.sampled_from(sorted(th.desiderata.DESIDERATA)))


@settings(max_examples=40, deadline=None)
@given(chains(4), st.sampled_from(["sgd", "adam", "adamw"]), NAMES)
def test_property_any_requirements_get_a_proved_answer(
    architecture: th.Architecture, optimizer: str, names: set[str]
) -> None:
    """Whatever is asked: a verified solution, a verified contradiction, or what is missing, in a sentence."""
    certificate, text = None, ""
    try:
        certificate = th.derive(architecture, optimizer, require=sorted(names)).certificate
    except th.Infeasible as infeasible:
        certificate, text = infeasible.certificate, str(infeasible)
    except th.ScalingError as error:
        text = str(error)
        assert not isinstance(error, th.Unverified)  # noqa: PT017 (any of three kinds may be raised)
    assert certificate is not None or text.startswith(
        ("derive: require", "derive: the req", "derive: no single")
    )
    assert certificate is None or certificate.verify()


@pytest.mark.parametrize(
    ("require", "given"),
    [
        ([3], "3 in it"),
        (3, "3"),
        ("nontrivial", "'nontrivial': write ['nontrivial']"),
        (th.desiderata.nontrivial, "'nontrivial': write ['nontrivial']"),
    ],
)
def test_requirements_of_another_kind_are_refused(require: Any, given: str) -> None:
    with pytest.raises(TypeError) as caught:
        th.derive(th.mlp(3), require=require)
    assert str(caught.value) == f"derive: require must be a list of desiderata or their names; given {given}"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: th.derive("mlp"), "derive: architecture must be an Architecture; given 'mlp'"),
        (lambda: th.named(None, "sp"), "named: architecture must be an Architecture; given None"),
        (lambda: th.edges(None), "edges: architecture must be an Architecture; given None"),
        (lambda: th.profile(None), "profile: parametrization must be a Parametrization; given None"),
        (
            lambda: th.equivalent(th.derive(th.mlp()), None),
            "equivalent: second must be a Parametrization; given None",
        ),
        (
            lambda: th.derive(th.mlp(), alignment="none"),
            "derive: alignment must be an Alignment; given 'none'",
        ),
    ],
)
def test_other_kinds_are_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value) == message


def test_nothing_to_train_is_said() -> None:
    g = th.Graph()
    with pytest.raises(th.ArchitectureError) as caught:
        th.derive(g.loss(g.data("inputs")), axes=("batch",))
    assert str(caught.value) == "derive: the architecture must have a trainable parameter; given none"


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "lion", "muon"])
def test_networks_that_never_move_are_refused(optimizer: str) -> None:
    """Two zero weights in a row have no gradient at any step, and the step of a zero gradient is zero."""
    g = th.Graph()
    x = g.activation(g.linear("input", g.data("inputs"), "width"), "relu")
    x = g.activation(g.linear("first", x, "width", kind="zero"), "relu")
    graph = g.loss(g.linear("second", x, "classes", kind="zero"))
    with pytest.raises(th.Unreachable, match="exactly zero at every step"):
        th.derive(graph, optimizer)


def test_blocks_pass_their_gradients_to_what_all_of_them_read() -> None:
    """Cross-attention and the like: a tensor made before the blocks gets a gradient from inside of them."""
    g = th.Graph()
    x = g.activation(g.linear("input", g.data("inputs"), "width"), "relu")
    context, stream = g.linear("context", x, "width"), g.stream("blocks.stream", x, "depth")
    inner = g.add(
        "blocks.in", g.linear("blocks.first", stream, "width"), g.linear("blocks.side", context, "width")
    )
    out = g.linear("blocks.last", g.activation(inner, "relu"), "width")
    graph = g.loss(g.linear("readout", g.stack("blocks", g.residual("blocks.sum", stream, out)), "outputs"))
    found = th.profile(th.named(graph, "sp", "sgd"))["width"]
    assert {found.row(name).gradient for name in ("context", "blocks.side", "blocks.first")} == {
        -Fraction(1, 2)
    }
    p = th.derive(graph, "adam")
    assert [str(p[f"{name}.weight"].eps) for name in ("context", "blocks.side")] == ["n^-1 gamma^-1"] * 2


def test_ranges_of_one_case_are_called_so() -> None:
    """A frozen input leaves the readout's start open; the range of one case isn't that of all."""
    g = th.Graph()
    x = g.activation(g.linear("input", g.data("inputs"), "width", kind="frozen"), "relu")
    graph = g.loss(g.linear("readout", x, "outputs"))
    with pytest.raises(
        th.NotUnique, match=r"b\[readout.weight\] (open, in one case|free between 1/2 and oo)"
    ):
        th.derive(graph, "sgd")
    fixed = th.desiderata.prescribe("init_std", {"readout.weight": -2})
    assert th.derive(graph, "sgd", require=[*th.desiderata.MAXIMAL_UPDATE, fixed]).verify()
