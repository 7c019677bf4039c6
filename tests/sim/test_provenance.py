"""The code version changes when code changes, and with nothing else."""

import importlib
import subprocess
import sys

import pytest

from scalewright.sim import closure, provenance

TOP = '''"""Top."""
from scalewright.ground import base


def run():
    """Run."""
    return base.value()
'''
BASE = "from scalewright.ground.low import CONSTANT\n\n\ndef value():\n    return CONSTANT\n"
LOW = "CONSTANT = 1\n"
OTHER = "UNUSED = 1\n"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Put a synthetic `scalewright.ground` on the path; return a function that writes its modules."""
    import scalewright

    folder = tmp_path / "ground"
    folder.mkdir()
    monkeypatch.setattr(scalewright, "__path__", [*scalewright.__path__, str(tmp_path)])

    def write(**sources):
        for name, source in sources.items():
            (folder / f"{name}.py").write_text(source, encoding="utf-8")
        provenance.code_version.cache_clear()
        closure._passed_on.cache_clear()
        importlib.invalidate_caches()
        return provenance.code_version("scalewright.ground.top")

    yield write
    provenance.code_version.cache_clear()
    for name in [n for n in sys.modules if n.startswith("scalewright.ground")]:
        del sys.modules[name]


FILES = {"__init__": "", "top": TOP, "base": BASE, "low": LOW, "other": OTHER}


def test_same_code_has_the_same_version(package):
    assert package(**FILES) == package(**FILES)


@pytest.mark.parametrize(
    "change",
    [
        {"top": TOP.replace("Run.", "Run and return the value, at length.")},
        {"top": TOP.replace('"""Top."""', '"""Another title."""\n# and a comment')},
        {"top": TOP.replace('    """Run."""\n', "")},
        {"low": "# why it is one\n\nCONSTANT  =  1  # one\n"},
        {"other": "UNUSED = 2\n"},
        {"__init__": "from scalewright.ground.other import UNUSED\n\n__all__ = ['UNUSED']\n"},
    ],
)
def test_comments_docstrings_and_strangers_do_not_count(package, change):
    assert package(**FILES) == package(**FILES | change)


@pytest.mark.parametrize(
    "change",
    [
        {"top": TOP.replace("base.value()", "base.value() + 1")},
        {"base": BASE.replace("return CONSTANT", "return -CONSTANT")},
        {"low": "CONSTANT = 2\n"},
        {"__init__": "PATCHED = True\n"},
        {"top": TOP.replace("import base", "import base, other")},
    ],
)
def test_control_code_counts_however_far_below(package, change):
    before = package(**FILES)
    assert package(**FILES | change) != before


def test_version_is_the_same_in_another_process(tmp_path):
    script = "from scalewright.sim.provenance import code_version as v; print(v('scalewright.theory.named'))"
    command = [sys.executable, "-c", script]
    outcome = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True, timeout=50)
    assert outcome.stdout.strip() == provenance.code_version("scalewright.theory.named")


def test_environment_is_plain_text():
    found = provenance.environment("cpu")
    assert all(isinstance(value, str) and value for value in found.values())
    assert {"scalewright", "python", "torch", "numpy", "platform", "device", "time"} <= set(found)


def test_command_line_is_what_one_types(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/scalewright", "verify", "--scale", "smoke"])
    assert provenance.command_line() == "scalewright verify --scale smoke"
