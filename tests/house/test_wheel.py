"""The wheel holds every module and every file that the package reads, and nothing of the tests."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("theory", "sim", "nets", "papers")
COPIED = (*ROOMS, "src", "tests", "setup.py", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Return a copy of the tree, so that building leaves no litter in the tree itself."""
    copy = tmp_path_factory.mktemp("tree")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, copy / name)
    return copy


def build(tree: Path, out: Path) -> Path:
    """Build a wheel without network and return it."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(tree)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False, timeout=55, cwd=out)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def wheel(tree, tmp_path_factory):
    return build(tree, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def contents(wheel):
    return ZipFile(wheel).namelist()


def needed(tree: Path) -> list[str]:
    """Return every module, page, marker and stored result of the tree, by its place in the wheel."""
    found = []
    for source, place in (("src/scalewright", ""), *((room, f"{room}/") for room in ROOMS)):
        paths = [p for kind in ("*.py", "*.html", "py.typed") for p in (tree / source).rglob(kind)]
        paths += (tree / source).glob("*/results/*.json")
        found += [f"scalewright/{place}{p.relative_to(tree / source).as_posix()}" for p in paths]
    return found


def test_wheel_holds_every_file_of_the_package(tree, contents):
    asked = needed(tree)
    assert {
        "scalewright/report/page.html",
        "scalewright/py.typed",
        "scalewright/theory/landscape/deep.py",
    } <= {*asked}
    assert sorted(set(asked) - set(contents)) == []


def test_wheel_holds_nothing_else(tree, contents):
    packed = [name for name in contents if ".dist-info/" not in name]
    assert sorted(set(packed) - set(needed(tree))) == []
    assert not any("test" in name.rpartition("/")[2] for name in packed)


def test_wheel_brings_the_command(contents):
    assert any(name.endswith(".dist-info/entry_points.txt") for name in contents)


def test_control_a_mapping_without_a_subpackage_is_caught(tree, tmp_path):
    """The trap of an all-TOML list: packages named one by one lose the nested ones."""
    shutil.copytree(tree, tmp_path / "tree", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    mapped = (ROOT / "setup.py").read_text(encoding="utf-8")
    assert "find_packages(folder)" in mapped
    flat = mapped.replace("find_packages(folder)", "()")
    (tmp_path / "tree" / "setup.py").write_text(flat, encoding="utf-8")
    (tmp_path / "wheel").mkdir()
    lost = set(needed(tree)) - set(ZipFile(build(tmp_path / "tree", tmp_path / "wheel")).namelist())
    assert "scalewright/theory/landscape/deep.py" in lost


def test_wheel_alone_derives_and_renders(wheel, tmp_path):
    """Unpacked without the tree beside it, the package finds its rooms and its page."""
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from scalewright.report import Page, render\n"
        "from scalewright import theory\n"
        "theory.derive(theory.mlp())\n"
        "print(theory.__file__, 'Powers' in render(Page('Powers', '', ())))"
    )
    command = [sys.executable, "-c", script]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=50)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.split() == [str(tmp_path / "scalewright" / "theory" / "__init__.py"), "True"]
