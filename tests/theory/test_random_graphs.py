"""The solver against random networks: every answer is proved, and depends on nothing but the network."""

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scalewright import theory as th
from scalewright.theory.strategies import gauges, graphs, optimizers

AXES = ("width", "depth", "experts")
SETTINGS = {"deadline": None, "suppress_health_check": list(HealthCheck)}
FREE = ["unit gain", "stable features", "free logits", "one rate", "largest rates"]
FAMILIES = {
    "sgd": ("sgd", "sgd-l2", "momentum", "nesterov", "momentum(1/2)"),
    "adam": ("adam", "adamw", "adamw-independent"),
    "spectral": ("muon", "shampoo", "shampoo(1/2)", "muon+adamw"),
    "other": ("sign", "lion", "adafactor"),
}
KINDS = ("solved", "infeasible", "NotUnique", "Unreachable")
REQUIRE = st.sampled_from([None, FREE])


@dataclass(frozen=True)
class Answer:
    """What `derive` said: a table of exponents, or the kind of error."""

    kind: str
    table: dict[str, tuple[str, ...]]
    found: th.Parametrization | None = None


def exponents(p: th.Parametrization) -> dict[str, tuple[str, ...]]:
    """Return every exponent by name, factors of the forward pass too."""
    table = {
        name: tuple(
            str(power.only(p.axes))
            for power in (s.multiplier, s.init_std, s.lr, s.eps, s.weight_decay)
            if power is not None
        )
        for name, s in p.entries.items()
    }
    return table | {name: (str(power),) for name, power in p.multipliers.items()}


def answer(graph: th.Architecture, optimizer: str, axes: tuple[str, ...], require: object) -> Answer:
    """Derive, and check the proof of whatever comes."""
    try:
        p = th.derive(graph, optimizer, axes, require)  # type: ignore[arg-type]
    except th.Infeasible as error:
        kind = "infeasible" if error.certificate.verify() else "unproved"
        return Answer(kind, {})
    except (th.NotUnique, th.Unreachable) as error:
        return Answer(type(error).__name__ if str(error).startswith("derive: ") else "unnamed", {})
    assert p.verify()
    return Answer("solved", exponents(p), p)


def axes_of(graph: th.Architecture) -> tuple[str, ...]:
    """Return those of the axes that the network has."""
    sizes = {name for _, power in graph.dimensions for name in power.exponents}
    return tuple(axis for axis in AXES if axis in sizes)


def relabelled(graph: th.Architecture) -> tuple[th.Architecture, dict[str, str]]:
    """Return the network with other names, declared in the opposite order, and the new names."""
    new = {node.name: f"n{len(graph.nodes) - i:03d}" for i, node in enumerate(graph.nodes)}
    nodes = [
        th.Node(new[n.name], n.op, tuple(new[i] for i in n.inputs), n.shape, n.kind)
        for n in graph.nodes[::-1]
    ]
    return th.Architecture(nodes, dict(graph.dimensions)), new


def with_identity(graph: th.Architecture, source: str) -> th.Architecture:
    """Return the network with a linear activation put behind a tensor."""
    changed = [
        th.Node(n.name, n.op, tuple("identity" if i == source else i for i in n.inputs), n.shape, n.kind)
        for n in graph.nodes
    ]
    identity = th.Node("identity", "activation", (source,), kind="linear")
    return th.Architecture([*changed, identity], dict(graph.dimensions))


def check(graph: th.Architecture, optimizer: str, require: object, gauge: str, place: int) -> str:
    """Check one network in every way, and return the kind of answer."""
    axes = axes_of(graph)
    first = answer(graph, optimizer, axes, require)
    other, new = relabelled(graph)
    second = answer(other, optimizer, axes, require)
    assert second.kind == first.kind
    assert first.kind in KINDS
    assert second.table == {new[name]: row for name, row in first.table.items()}
    tensors = [
        n.name for n in graph.nodes if n.op not in ("parameter", "loss", "data", "score", "stream", "branch")
    ]
    longer = answer(with_identity(graph, tensors[place % len(tensors)]), optimizer, axes, require)
    assert (longer.kind, longer.table) == (first.kind, first.table)
    if first.found is not None:
        assert first.found.in_gauge(gauge).verify()
        same = th.equivalent(first.found, first.found.in_gauge(gauge))
        assert same
        assert not same.rescaling
    return first.kind


@pytest.mark.parametrize("family", ["sgd", "adam", "spectral", "other"])
@settings(max_examples=50, **SETTINGS)  # type: ignore[arg-type]
@given(graphs(4), st.data(), REQUIRE, gauges(), st.integers(0, 99))
def test_property_every_answer_is_proved_and_invariant(
    family: str, graph: th.Architecture, data: st.DataObject, require: object, gauge: str, place: int
) -> None:
    optimizer = data.draw(st.sampled_from(FAMILIES[family]))
    check(graph, optimizer, require, gauge, place)


@pytest.mark.slow
@settings(max_examples=2000, **SETTINGS)  # type: ignore[arg-type]
@given(graphs(8), optimizers(), REQUIRE, gauges(), st.integers(0, 99))
def test_property_two_thousand_graphs(
    graph: th.Architecture, optimizer: str, require: object, gauge: str, place: int
) -> None:
    check(graph, optimizer, require, gauge, place)


def test_control_every_kind_of_answer_occurs() -> None:
    """Had the strategy drawn only easy networks, the properties above would say little."""
    seen: dict[str, int] = {}

    @settings(max_examples=150, derandomize=True, database=None, **SETTINGS)  # type: ignore[arg-type]
    @given(graphs(), st.sampled_from(["sgd", "adam"]), REQUIRE)
    def count(graph: th.Architecture, optimizer: str, require: object) -> None:
        kind = answer(graph, optimizer, axes_of(graph), require).kind
        seen[kind] = seen.get(kind, 0) + 1

    count()
    assert seen["solved"] > 40
    assert min(seen.get(kind, 0) for kind in ("infeasible", "Unreachable")) > 0
