"""Every example in a docstring runs and gives what it says."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("theory", "sim", "nets", "papers")
FLAGS = doctest.NORMALIZE_WHITESPACE
PROMPT = ">>> "


def modules() -> list[str]:
    """Return the modules of the rooms that hold examples."""
    return [
        ".".join(("scalewright", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if PROMPT in path.read_text(encoding="utf-8")
    ]


def failures(test: doctest.DocTest) -> list[str]:
    """Run the examples of one docstring; return what was said of those that fail."""
    said: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=said.append)
    return said


@pytest.mark.parametrize("name", modules())
def test_identity_every_example_gives_what_it_says(name):
    module = importlib.import_module(name)
    found = [test for test in doctest.DocTestFinder().find(module) if test.examples]
    assert found, f"{name} has a prompt in no docstring"
    assert [text for test in found for text in failures(test)] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [(">>> 1 + 1\n3\n", "Expected:"), (">>> unknown\n", "NameError"), (">>> 1 + 1\n", "Expected nothing")],
)
def test_control_an_example_that_is_wrong_is_caught(text, said):
    test = doctest.DocTestParser().get_doctest(text, {}, "control", None, 0)
    assert said in "".join(failures(test))


@pytest.mark.parametrize("name", modules())
def test_no_example_is_a_comment(name):
    """A prompt before a comment promises an example and runs nothing."""
    path = importlib.import_module(name).__file__
    assert ">>> #" not in Path(str(path)).read_text(encoding="utf-8")
