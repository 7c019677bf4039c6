"""Documents that state no architecture are refused in one sentence, whatever they hold."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from scalewright.theory import Architecture, ArchitectureError, mlp

DOCUMENT = json.loads(json.dumps(mlp(2).to_json()))
KEYS = "schema, dimensions, nodes"
SIZE = "the size of dimension 'width' must map size names to rationals such as '1/2'"


def without(key: str) -> dict[str, Any]:
    """Return the document without one key."""
    return {name: value for name, value in DOCUMENT.items() if name != key}


def node(**changes: object) -> dict[str, Any]:
    """Return the document with fields of its linear node 'input' changed; None removes a field."""
    found = copy.deepcopy(DOCUMENT)
    place = next(index for index, raw in enumerate(found["nodes"]) if raw["name"] == "input")
    fields = found["nodes"][place] | changes
    found["nodes"][place] = {key: value for key, value in fields.items() if value is not None}
    return found


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "data must be JSON; given text with the fault 'Expecting value: line 1 column 1 (char 0)'"),
        ("[" * 100_000, "data must be JSON; given text that is nested too deeply"),
        ("3", f"data must be a JSON object with the keys {KEYS}; given 3"),
        (
            {**DOCUMENT, "schema": True},
            "schema must be 1; given True: write the file again with Architecture.to_json",
        ),
        (without("nodes"), "data must have the key 'nodes'; given none"),
        (without("dimensions"), "data must have the key 'dimensions'; given none"),
        ({**DOCUMENT, "extra": 1}, f"the keys of data must be among {KEYS}; given 'extra'"),
        ({**DOCUMENT, "nodes": 5}, "nodes must be a list of objects; given 5"),
        ({**DOCUMENT, "nodes": ["data"]}, "nodes[0] must be an object; given 'data'"),
        ({**DOCUMENT, "dimensions": []}, "dimensions must be an object that maps names to sizes; given []"),
        ({**DOCUMENT, "dimensions": {"width": "1"}}, f"{SIZE}; given '1'"),
        ({**DOCUMENT, "dimensions": {"width": {"width": 0.5}}}, f"{SIZE}; given {{'width': 0.5}}"),
        (
            {**DOCUMENT, "dimensions": {"": {}}},
            "the name of a dimension must be a non-empty string; given ''",
        ),
        (node(op=None), "nodes[2] must have the key 'op'; given none"),
        (node(name=5), "the name of nodes[2] must be a non-empty string; given 5"),
        (node(op=["linear"]), "the op of node 'input' must be a string; given ['linear']"),
        (node(kind=1), "the kind of node 'input' must be a string; given 1"),
        (node(inputs=[["data"]]), "the inputs of node 'input' must be a list of strings; given [['data']]"),
        (node(shape="width"), "the shape of node 'input' must be a list of strings; given 'width'"),
        (
            node(bias=True),
            "the keys of nodes[2] must be among name, op, inputs, shape, kind; given 'bias'",
        ),
    ],
)
def test_faults_are_named(data: Any, message: str) -> None:
    assert Architecture.from_json(DOCUMENT) == mlp(2)  # Control: without the fault it is sound.
    with pytest.raises(ArchitectureError) as caught:
        Architecture.from_json(data)
    assert str(caught.value) == f"Architecture.from_json: {message}"


def test_a_parameter_before_its_tensor_is_refused() -> None:
    with pytest.raises(ArchitectureError) as caught:
        Architecture.from_json(node(inputs=["input.weight", "data"]))
    assert str(caught.value) == (
        "Architecture: linear 'input' must name its tensors before its parameters; given input.weight, data"
    )


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything inside a document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield (*path, key)
        yield from places(item, (*path, key))


@pytest.mark.parametrize("value", [None, 5, True, 1.5, "x", "", [], {}, [[]], ["data"], [5], {"width": "1"}])
def test_property_anything_anywhere_is_read_or_refused(value: object) -> None:
    """Property: whatever stands at one place of a sound document, no other error than ArchitectureError."""
    for path in places(DOCUMENT):
        changed = copy.deepcopy(DOCUMENT)
        inner = changed
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
        try:
            Architecture.from_json(changed)
        except ArchitectureError as error:
            assert str(error).startswith("Architecture")  # noqa: PT017 (most are refused, some are sound)
