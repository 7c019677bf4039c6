"""The closure of a module holds what it depends on, and no neighbour that it does not use."""

import importlib
import sys

import pytest

from scalewright.sim import closure

FILES = {
    "__init__": """
        from scalewright.ground.box import Box as Chest
        from scalewright.ground.odd import odd
        from scalewright.ground import deep
        LIMIT = 3
    """,
    "box": "class Box: pass",
    "odd": "def odd(): return 1",
    "deep/__init__": """
        from scalewright.ground.deep.well import water
        from scalewright.ground.deep.dry import dust
    """,
    "deep/well": "def water(): return 1",
    "deep/dry": "def dust(): return 0",
}


@pytest.fixture
def found(tmp_path, monkeypatch):
    """Put a synthetic package on the path; return a function from a module's source to its closure."""
    import scalewright

    monkeypatch.setattr(scalewright, "__path__", [*scalewright.__path__, str(tmp_path)])
    (tmp_path / "ground" / "deep").mkdir(parents=True)

    def of(source):
        for name, text in {**FILES, "top": source}.items():
            lines = [line.strip() for line in text.strip().splitlines()]
            (tmp_path / "ground" / f"{name}.py").write_text("\n".join(lines), encoding="utf-8")
        importlib.invalidate_caches()
        closure._passed_on.cache_clear()
        names = closure.closure("scalewright.ground.top") - {"scalewright.ground.top"}
        return {name.removeprefix("scalewright.ground") for name in names}

    yield of
    for name in [n for n in sys.modules if n.startswith("scalewright.ground")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import numpy\nfrom pathlib import Path", set()),
        ("from scalewright.ground import Chest", {".box"}),
        ("from scalewright.ground.box import Box", {".box"}),
        ("from scalewright.ground import odd", {".odd"}),  # the function, and the module of its name
        ("from scalewright.ground.deep import water", {".deep.well"}),
        ("from scalewright.ground import deep\ndeep.water()", {".deep.well"}),
        ("from scalewright.ground import deep as cave\ncave.dust()", {".deep.dry"}),
        (
            "from scalewright import ground\nground.Chest()\nground.deep.water()",
            {".box", ".deep.well"},
        ),
    ],
)
def test_names_lead_to_the_modules_where_they_are_written(found, source, modules):
    assert found(source) == modules


WHOLE = {"", ".box", ".odd", ".deep", ".deep.well", ".deep.dry"}


@pytest.mark.parametrize(
    ("source", "least"),
    [
        ("from scalewright.ground import LIMIT", WHOLE),  # what the package itself holds
        ("import scalewright.ground", WHOLE),
        ("from scalewright import ground\nprint(ground)", WHOLE),
        ("from scalewright.ground import deep\ndeep.water()\nf(deep)", {".deep", ".deep.well", ".deep.dry"}),
        (
            "from scalewright.ground import deep\ndeep.found_at_run_time()",
            {".deep", ".deep.well", ".deep.dry"},
        ),
    ],
)
def test_what_cannot_be_followed_counts_whole(found, source, least):
    assert least <= found(source)


def test_packages_on_the_way():
    names = {"scalewright.a.b.c", "scalewright.a", "scalewright.d.e"}
    assert closure.packages(names) == {"scalewright.a.b", "scalewright.d"}


def test_closure_of_a_paper_covers_its_rooms_and_no_other():
    names = closure.closure("scalewright.papers.super_consistency.catalogue")
    below = {
        "scalewright.papers.super_consistency.verdicts",
        "scalewright.nets.curvature.lanczos",
        "scalewright.sim.linear.state",
        "scalewright.theory.solver.lp",
    }
    assert below <= names
    strangers = ("scalewright.cli", "scalewright.commands", "scalewright.nets.sweep", "scalewright.sim.dmft")
    assert not any(name.startswith(strangers) for name in names)
