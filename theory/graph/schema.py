"""The JSON document that states an architecture: read with every fault named, whatever it holds."""

import json
from collections.abc import Collection, Mapping
from reprlib import repr as shortened
from typing import Any

from scalewright.theory.errors import ArchitectureError
from scalewright.theory.graph.nodes import Node
from scalewright.theory.power import Power

SCHEMA_VERSION = 1
KEYS = ("schema", "dimensions", "nodes")
NODE_KEYS = ("name", "op", "inputs", "shape", "kind")


def read(data: object) -> tuple[tuple[Node, ...], dict[str, Power]]:
    """Return the nodes and dimensions of a document, object or text; ArchitectureError at the first fault."""
    raw = _parsed(data) if isinstance(data, str) else data
    if not isinstance(raw, Mapping):
        raise _fault(f"data must be a JSON object with the keys {', '.join(KEYS)}", raw)
    version = raw.get("schema")
    if type(version) is not int or version != SCHEMA_VERSION:
        raise ArchitectureError(
            f"Architecture.from_json: schema must be {SCHEMA_VERSION}; given {shortened(version)}: "
            "write the file again with Architecture.to_json"
        )
    _check_keys("data", raw, KEYS, KEYS)
    nodes, dimensions = raw["nodes"], raw["dimensions"]
    if not isinstance(nodes, list | tuple):
        raise _fault("nodes must be a list of objects", nodes)
    if not isinstance(dimensions, Mapping):
        raise _fault("dimensions must be an object that maps names to sizes", dimensions)
    sizes = {name: _size(name, size) for name, size in dimensions.items()}
    return tuple(_node(f"nodes[{index}]", node) for index, node in enumerate(nodes)), sizes


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except RecursionError:
        fault = "text that is nested too deeply"
    except ValueError as error:
        fault = f"text with the fault {str(error)!r}"
    raise ArchitectureError(f"Architecture.from_json: data must be JSON; given {fault}")


def _size(name: object, size: object) -> Power:
    if not isinstance(name, str) or not name:
        raise _fault("the name of a dimension must be a non-empty string", name)
    wanted = f"the size of dimension {name!r} must map size names to rationals such as '1/2'"
    if not isinstance(size, Mapping):
        raise _fault(wanted, size)
    try:
        return Power(size)
    except (TypeError, ValueError):
        raise _fault(wanted, size) from None


def _node(place: str, raw: object) -> Node:
    if not isinstance(raw, Mapping):
        raise _fault(f"{place} must be an object", raw)
    _check_keys(place, raw, NODE_KEYS, ("name", "op"))
    name = raw["name"]
    if not isinstance(name, str) or not name:
        raise _fault(f"the name of {place} must be a non-empty string", name)
    for key in ("op", "kind"):
        if not isinstance(raw.get(key, ""), str):
            raise _fault(f"the {key} of node {name!r} must be a string", raw[key])
    for key in ("inputs", "shape"):
        values = raw.get(key, ())
        if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
            raise _fault(f"the {key} of node {name!r} must be a list of strings", values)
    return Node(
        name, raw["op"], tuple(raw.get("inputs", ())), tuple(raw.get("shape", ())), raw.get("kind", "")
    )


def _check_keys(place: str, raw: Mapping[Any, Any], known: Collection[str], needed: Collection[str]) -> None:
    for key in needed:
        if key not in raw:
            raise ArchitectureError(f"Architecture.from_json: {place} must have the key {key!r}; given none")
    for key in raw:
        if key not in known:
            raise _fault(f"the keys of {place} must be among {', '.join(known)}", key)


def _fault(wanted: str, given: object) -> ArchitectureError:
    return ArchitectureError(f"Architecture.from_json: {wanted}; given {shortened(given)}")
