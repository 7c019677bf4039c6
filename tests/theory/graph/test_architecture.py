"""Graphs are checked once, and every fault is named."""

import json
from collections.abc import Callable

import pytest

from scalewright.theory import (
    Architecture,
    ArchitectureError,
    Graph,
    Node,
    Power,
    autoencoder,
    convnet,
    gpt,
    lora,
    mlp,
    moe,
    resnet,
    vit,
)

SIZES = {name: Power({name: 1}) for name in ("inputs", "width", "outputs")}


def nodes() -> dict[str, Node]:
    """Return the nodes of a sound network by name."""
    return dict(mlp(layers=3).by_name)


def test_names_and_order_of_parameters() -> None:
    names = [parameter.name for parameter in mlp(layers=4, bias=True).parameters]
    layers = ["input", "hidden.0", "hidden.1", "readout"]
    assert names == [f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")]
    assert [p.name for p in mlp(layers=2).parameters] == ["input.weight", "readout.weight"]


def test_identity_json_round_trip() -> None:
    architecture = mlp(layers=5, bias=True, activation="tanh", loss="squared")
    assert Architecture.from_json(json.dumps(architecture.to_json())) == architecture
    assert Architecture.from_json(architecture.to_json()) != mlp(layers=5)


def test_logits_are_the_readout_and_what_follows() -> None:
    assert mlp(bias=True).logits == {"readout", "readout.shifted"}


def _without(*names: str) -> Callable[[dict[str, Node]], None]:
    def change(found: dict[str, Node]) -> None:
        for name in names:
            del found[name]

    return change


def _put(*new: Node) -> Callable[[dict[str, Node]], None]:
    def change(found: dict[str, Node]) -> None:
        found.update({node.name: node for node in new})

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            _put(Node("input.activation", "activation", ("hidden.0",), kind="relu")),
            "the graph must have no cycle; given the cycle input.activation -> hidden.0 -> input.activation",
        ),
        (
            _put(Node("input.activation", "scan", ("input",))),
            "node 'input.activation' can't be represented: a state-space scan multiplies input-dependent "
            "gates "
            "over time, and its limit is no Tensor Program: size counting fails there (Vankadara et al. "
            "2024)",
        ),
        (
            _put(Node("input.activation", "fourier", ("input",))),
            "the operation of node 'input.activation' must be one of data, parameter, linear, convolution, "
            "embedding, bias, gain, depthwise, activation, pool, norm, add, product, multiplier, score, mix, "
            "stream, branch, stack, dispatch, mixture, loss; given 'fourier'",
        ),
        (
            _put(Node("input.activation", "activation", ("input",), kind="sine")),
            "the kind of activation 'input.activation' must be one of linear, relu, leaky_relu, "
            "gelu, silu, tanh, erf; given 'sine'",
        ),
        (
            _put(Node("lost", "parameter", shape=("width",))),
            "parameter 'lost' must have a path to the loss 'loss'; given none",
        ),
        (
            _put(Node("hidden.0.weight", "parameter", shape=("width", "inputs"))),
            "linear 'hidden.0' must take a tensor of the dimension of 'hidden.0.weight', 'inputs'; "
            "given 'width'",
        ),
        (
            _put(Node("hidden.0", "linear", ("input.activation",))),
            "linear 'hidden.0' must take 1 tensor(s) and 1 parameter(s); "
            "given 1 tensor(s) and 0 parameter(s)",
        ),
        (
            _put(Node("hidden.0", "linear", ("nothing", "hidden.0.weight"))),
            "the inputs of node 'hidden.0' must be nodes; given 'nothing'",
        ),
        (
            _put(Node("hidden.0.weight", "parameter", shape=("width",))),
            "the shape of parameter 'hidden.0.weight' must have 2 dimension(s); given ('width',)",
        ),
        (
            _put(Node("hidden.0.weight", "parameter", shape=("width", "heads"))),
            "the dimensions of 'hidden.0.weight' must be among inputs, width, outputs; given 'heads'",
        ),
        (_without("loss"), "the graph must have exactly one loss node; given 0"),
        (
            _put(Node("hidden.0.activation", "bias", ("hidden.0", "hidden.0.weight"))),
            "parameter 'hidden.0.weight' must be tied between uses of one kind; "
            "given as a matrix in 'hidden.0' and as a vector in 'hidden.0.activation'",
        ),
        (
            _put(Node("hidden.0.activation", "score", ("hidden.0", "input"), ("width",))),
            "linear 'readout' must not take attention scores",
        ),
        (
            _put(Node("hidden.0.activation", "mix", ("hidden.0", "input"))),
            "mix 'hidden.0.activation' must take the scores of a score node as its second tensor; given "
            "'width'",
        ),
        (
            _put(Node("hidden.0.activation", "branch", ("hidden.0",))),
            "branch 'hidden.0.activation' must be inside repeated blocks; given no stream",
        ),
        (
            _put(Node("hidden.0.activation", "stack", ("hidden.0",))),
            "stack 'hidden.0.activation' must end blocks; given no stream",
        ),
        (
            _put(Node("hidden.0.activation", "stream", ("hidden.0",), ("width",))),
            "the blocks of stream 'hidden.0.activation' must end in a stack; given none",
        ),
        (
            _put(Node("hidden.0.activation", "mixture", ("hidden.0", "hidden.0"), ("width", "outputs"))),
            "mixture 'hidden.0.activation' must take experts that begin with a dispatch; "
            "given a path from 'data' without one",
        ),
        (
            _put(Node("hidden.0.activation", "add", ("hidden.0", "data"))),
            "add 'hidden.0.activation' must take tensors of one dimension; given width, inputs",
        ),
    ],
)
def test_faults_name_their_node(change: Callable[[dict[str, Node]], None], message: str) -> None:
    found = nodes()
    Architecture(found.values(), SIZES)  # Control: without the fault it is sound.
    change(found)
    with pytest.raises(ArchitectureError) as caught:
        Architecture(found.values(), SIZES)
    assert str(caught.value) == f"Architecture: {message}"


def test_repeated_names_and_other_schemas_are_refused() -> None:
    found = list(nodes().values())
    with pytest.raises(ArchitectureError) as repeated:
        Architecture([*found, found[0]], SIZES)
    assert str(repeated.value) == "Architecture: node names must be unique; given 'data' twice"
    with pytest.raises(ArchitectureError) as schema:
        Architecture.from_json({"schema": 7})
    assert str(schema.value) == (
        "Architecture.from_json: schema must be 1; given 7: write the file again with Architecture.to_json"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": 1}, "mlp: layers must be an integer of at least 2; given 1"),
        ({"layers": 2.0}, "mlp: layers must be an integer of at least 2; given 2.0"),
        (
            {"activation": "sine"},
            "mlp: activation must be one of linear, relu, leaky_relu, gelu, silu, tanh, erf; given 'sine'",
        ),
        ({"loss": "hinge"}, "mlp: loss must be one of squared, cross-entropy, brier; given 'hinge'"),
    ],
)
def test_builder_refuses(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ArchitectureError) as caught:
        mlp(**arguments)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_weights_tied_across_the_border_of_blocks_are_refused() -> None:
    """A weight shared by all blocks and something outside has no one exponent on the axis depth."""
    found = dict(resnet(layers=1).by_name)
    found["readout"] = Node("readout", "linear", ("last.activation", "blocks.0.weight"))
    del found["readout.weight"]
    sizes = dict(resnet().dimensions)
    with pytest.raises(ArchitectureError) as caught:
        Architecture(found.values(), sizes)
    assert str(caught.value) == (
        "Architecture: parameter 'blocks.0.weight' must not be tied across the border of blocks; "
        "given in blocks.0, readout"
    )


@pytest.mark.parametrize("build", [mlp, convnet, resnet, vit, gpt, moe, autoencoder, lora])
def test_identity_every_builder_survives_its_file(build: Callable[[], Architecture]) -> None:
    architecture = build()
    assert Architecture.from_json(json.dumps(architecture.to_json())) == architecture
    assert all(architecture.users_of(node.name) for node in architecture.parameters)


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (gpt, {"place": "mid"}, "gpt: place must be one of pre, post; given 'mid'"),
        (gpt, {"norm": "weight"}, "gpt: norm must be one of layer, rms, batch; given 'weight'"),
        (gpt, {"vocabulary": "all"}, "gpt: vocabulary must be one of fixed, grow; given 'all'"),
        (moe, {"active": "all"}, "moe: active must be one of fixed, grow; given 'all'"),
        (autoencoder, {"neck": 1}, "autoencoder: neck must be at least 0 and below 1; given 1"),
        (resnet, {"layers": 0}, "resnet: layers must be an integer of at least 1; given 0"),
    ],
)
def test_builders_refuse(
    build: Callable[..., Architecture], arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ArchitectureError) as caught:
        build(**arguments)
    assert str(caught.value) == message


def test_the_construction_names_what_it_can_not_do() -> None:
    g = Graph()
    x = g.linear("input", g.data("inputs"), "width")
    for fault, message in (
        (lambda: g.transposed("back", x, "nope"), "weight must be a matrix that was added; given 'nope'"),
        (lambda: g.add("sum"), "the sum 'sum' must take at least one tensor; given none"),
        (lambda: g.linear("next", "nope", "width"), "a tensor must be one that was added; given 'nope'"),
        (lambda: g.data("inputs"), "node names must be unique; given 'data' twice"),
        (lambda: g.parameter("p"), "the shape of parameter 'p' must name dimensions; given none"),
    ):
        with pytest.raises(ArchitectureError) as caught:
            fault()
        assert str(caught.value) == f"Graph: {message}"


def test_long_networks_are_walked_without_recursion() -> None:
    """A thousand sums of a tensor with itself: linear in the nodes, and not in the paths."""
    g = Graph()
    x = g.stream("blocks.stream", g.embedding("embedding", g.data("vocabulary"), "width"), "depth")
    for index in range(1000):
        x = g.add(f"sum.{index}", x, x)
    graph = g.loss(g.linear("readout", g.stack("blocks", x), "outputs"))
    assert len(graph.spine) == 1001
