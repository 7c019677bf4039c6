"""README and docs: each python block runs and prints what it says; links and names lead somewhere."""

import contextlib
import importlib
import inspect
import io
import re
from itertools import zip_longest
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
REFERENCE = [ROOT / "docs" / "reference" / f"{room}.md" for room in ("theory", "sim", "nets", "papers")]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
#: Characters of prose between a python block and the text block that shows its output.
NEAR = 200
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?(?![\w.])")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(text: str) -> list[tuple[str, str | None]]:
    """Return every python block with the text block that tells its output, None where none follows soon."""
    fences = list(FENCE.finditer(text))
    found: list[tuple[str, str | None]] = []
    for fence, after in zip_longest(fences, fences[1:]):
        told = after is not None and after[1] == "text" and after.start() - fence.end() < NEAR
        if fence[1] == "python":
            found.append((fence[2], after[2] if told and after is not None else None))
    return found


def agrees(printed: str, claimed: str) -> bool:
    """Whether two outputs have the same words, and numbers within two units of their last printed digit."""
    if [NUMBER.sub("#", line).split() for line in printed.strip().splitlines()] != [
        NUMBER.sub("#", line).split() for line in claimed.strip().splitlines()
    ]:
        return False
    pairs = zip(NUMBER.findall(printed), NUMBER.findall(claimed), strict=True)
    return all(abs(float(ours) - float(theirs)) <= 2 * unit(theirs) for ours, theirs in pairs)


def unit(number: str) -> float:
    """Return one unit of the last digit of a printed number; an integer is exact."""
    mantissa, _, exponent = number.partition("e")
    digits = len(mantissa.partition(".")[2])
    return 0.0 if "." not in mantissa and not exponent else 10.0 ** (int(exponent or 0) - digits)


def run(text: str) -> list[str]:
    """Run the python blocks of a page in one namespace; say where the output is not the one printed below."""
    namespace: dict[str, object] = {"__name__": "page"}
    wrong = []
    for source, claimed in blocks(text):
        heard = io.StringIO()
        with contextlib.redirect_stdout(heard):
            exec(compile(source, "<page>", "exec"), namespace)
        if claimed is not None and not agrees(heard.getvalue(), claimed):
            wrong.append(f"printed\n{heard.getvalue()}\nnot\n{claimed}")
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_identity_every_python_block_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(page.read_text(encoding="utf-8")) == []


def test_control_a_block_that_fails_or_prints_something_else_is_caught():
    with pytest.raises(ImportError):
        run("```python\nfrom scalewright.theory import nothing_of_this_name\n```\n")
    page = "```python\nprint('slope', 0.25, 3)\n```\n\nIt prints\n\n```text\nslope {}\n```\n"
    assert run(page.format("0.24 3")) == []
    for wrong in ("0.21 3", "0.25 4", "0.25", "x 0.25 3"):
        assert run(page.format(wrong)), wrong


def broken_links(text: str, folder: Path) -> list[str]:
    targets = [link for link in LINK.findall(FENCE.sub("", text)) if not re.match(r"[a-z]+:|#", link)]
    return [link for link in targets if not (folder / link.partition("#")[0]).exists()]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_identity_every_relative_link_leads_somewhere(page):
    assert broken_links(page.read_text(encoding="utf-8"), page.parent) == []


def test_control_a_broken_link_is_caught():
    text = "![a](docs/none.png) [b](README.md) [c](https://example.org)"
    assert broken_links(text, ROOT) == ["docs/none.png"]


def unknown_names(text: str) -> list[str]:
    """Check the reference's entries, `name(arguments)` under a module's heading, against the code."""
    wrong, module = [], ""
    for line in text.splitlines():
        heading = re.match(r"##+ `(scalewright[\w.]*)`", line)
        entry = re.match(r"- `([\w.]+)(?:\(([^`]*)\))?(?: -> [^`]*)?`", line)
        if heading:
            module = heading.group(1)
        elif entry and module:
            wrong += mismatch(module, entry.group(1), entry.group(2))
    return wrong


def mismatch(module: str, name: str, arguments: str | None) -> list[str]:
    found: object = importlib.import_module(module)
    for part in name.split("."):
        fields = getattr(found, "__dataclass_fields__", {})
        if not hasattr(found, part) and part not in fields:
            return [f"{module}.{name} does not exist"]
        found = getattr(found, part, fields.get(part))
    if arguments is None:
        return []
    documented = [argument.partition("=")[0].strip() for argument in arguments.split(", ") if argument]
    actual = signature(found)
    return [] if documented == actual else [f"{module}.{name} takes {', '.join(actual)}"]


def signature(function: object) -> list[str]:
    """Return the arguments as the reference writes them: `*` before keyword-only ones, stars on the rest."""
    written: list[str] = []
    for parameter in inspect.signature(function).parameters.values():  # type: ignore[arg-type]
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not any(w.startswith("*") for w in written):
            written.append("*")
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        written.append(stars + parameter.name)
    return written


@pytest.mark.parametrize("page", REFERENCE, ids=name_of)
def test_identity_the_reference_names_only_what_exists(page):
    text = page.read_text(encoding="utf-8")
    assert len(re.findall(r"^- `", text, re.MULTILINE)) > 5
    assert unknown_names(text) == []


def test_control_a_name_or_signature_that_does_not_exist_is_caught():
    head = "## `scalewright.sim.fit`\n"
    assert unknown_names(head + "- `slope(x, y, *, average='log') -> Slope`: fits") == []
    assert unknown_names(head + "- `tilt(x)`: fits") == ["scalewright.sim.fit.tilt does not exist"]
    assert unknown_names(head + "- `slope(x)`: fits") == ["scalewright.sim.fit.slope takes x, y, *, average"]
