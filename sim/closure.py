"""Find the code that a module's results depend on: what it imports, directly or not, and nothing beside.

A name that a package's `__init__` only passes on leads to the module where it is written, so that a new
neighbour in a package changes nothing. Of the packages on the way counts what their `__init__` does itself.
"""

import ast
import importlib.util
from collections.abc import Iterator
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path

ROOT = "scalewright."
#: Attributes of a name, one after the other.
Chain = tuple[str, ...]


def closure(module: str) -> set[str]:
    """Return the names of the modules of this package that `module` depends on, itself among them."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += _imports(name)
    return seen


def packages(modules: set[str]) -> set[str]:
    """Return the packages that are imported on the way to `modules` and are not among them."""
    above = {name.rsplit(".", depth)[0] for name in modules for depth in range(1, name.count("."))}
    return above - modules


def body(name: str, *, passing: bool = False) -> bytes:
    """Return what a module does, without comments and docstrings; `passing`: without its imports, too."""
    tree = ast.parse(_source(name))
    if passing:
        tree.body = [node for node in tree.body if not _passes_on(node)]
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:]
    return ast.dump(tree).encode()


def _imports(name: str) -> Iterator[str]:
    """Yield the modules where the names that a module imports are written."""
    tree = ast.parse(_source(name))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if _is_module(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield from _written(node.module, alias.name, _uses(tree, alias.asname or alias.name))


def _written(package: str, name: str, uses: set[Chain]) -> Iterator[str]:
    """Yield the modules behind `from package import name`, of which `uses` are used."""
    full = f"{package}.{name}"
    if _is_package(full) and () not in uses:
        for first, *rest in uses:
            yield from _written(full, first, {tuple(rest)})
    elif _is_module(full):
        yield full
    elif _is_package(package) and name in _passed_on(package):
        yield from _written(*_passed_on(package)[name], uses)
    elif _is_module(package):
        yield package


def _uses(tree: ast.Module, name: str) -> set[Chain]:
    """Return what is used of `name`: models.mlp as ("models", "mlp"); () for all of it, or for nothing."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute | ast.Name)]
    within = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    chains = [_chain(node) for node in nodes if id(node) not in within]
    return {chain[1:] for chain in chains if chain[:1] == (name,)} or {()}


def _chain(node: ast.expr) -> Chain:
    """Return a.b.c as ("a", "b", "c"); nothing if it does not begin with a name."""
    if isinstance(node, ast.Attribute):
        above = _chain(node.value)
        return (*above, node.attr) if above else ()
    return (node.id,) if isinstance(node, ast.Name) else ()


@cache
def _passed_on(package: str) -> dict[str, tuple[str, str]]:
    """Return the names that a package's `__init__` imports: name -> (module, its name there)."""
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.parse(_source(package)).body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def _passes_on(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        return [ast.unparse(target) for target in node.targets] == ["__all__"]
    return isinstance(node, ast.Import | ast.ImportFrom)


def _is_module(name: str) -> bool:
    return _spec(name) is not None


def _is_package(name: str) -> bool:
    spec = _spec(name)
    return spec is not None and spec.submodule_search_locations is not None


def _spec(name: str) -> ModuleSpec | None:
    """Return where a module of this package lies; None for anything else."""
    if not name.startswith(ROOT):
        return None
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # the package above it is a plain module
        return None
    return spec if spec is not None and spec.origin is not None else None


def _source(name: str) -> str:
    spec = _spec(name)
    assert spec is not None, name
    return Path(str(spec.origin)).read_text(encoding="utf-8")
