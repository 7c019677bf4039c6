"""Re-run a paper's claims, store the verdicts, and list what is known of every claim."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import xarray as xr

from scalewright.papers import results
from scalewright.papers.claim import Claim, Finding, judge_claim
from scalewright.papers.running import run_stages
from scalewright.papers.workers import Progress
from scalewright.sim.provenance import code_version, environment
from scalewright.sim.verdict import Verdict

#: paper -> its folder. A paper's `catalogue` says what to run, its `claims` what to judge.
PAPERS = {
    "super-consistency": "super_consistency",
    "batchnorm-isometry": "batchnorm_isometry",
    "large-learning-rates": "large_learning_rates",
    "feature-strength": "feature_strength",
}


@dataclass(frozen=True)
class Reproduction:
    """What one run of a paper gave: trajectories, rows, claims and where the record was written.

    `stored` is None where it could not be written, as in a package that is installed read-only.
    """

    paper: str
    scale: str
    trajectories: dict[str, xr.Dataset]
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]
    provenance: dict[str, str]
    stored: Path | None


def reproduce(
    paper: str,
    scale: str = "smoke",
    *,
    device: str = "auto",
    folder: Path | None = None,
    progress: Callable[[str], Progress] | None = None,
    root: Path | None = None,
    workers: int = 1,
) -> Reproduction:
    """Run every experiment of a paper, judge its claims and store the verdicts.

    Args:
        paper: one of `PAPERS`.
        scale: "smoke" (minutes) or "standard" (half an hour); most have "full", for a GPU.
        device: "auto", "cpu" or "cuda".
        folder: where trajectories are saved as each stage ends; a run that was stopped goes on from there.
        progress: opens a progress callback for a stage's name.
        root: write results below this folder instead of the package's own `papers/PAPER/results`.
        workers: experiments that run at once, each in a process with one thread; 1 runs them here.

    Raises:
        ValueError: an unknown paper or scale, a folder of another run, or no worker.
        ChildProcessError: a worker was killed; what had ended lies in the folder.
    """
    catalogue, sizes = catalogue_of(paper), check_scale(paper, scale)
    stages = [*catalogue.chain(sizes, device), *catalogue.beyond(sizes, device)]
    found = run_stages(
        stages,
        folder=folder,
        key={"scale": repr(sizes), "device": device, "code": version_of(paper)},
        progress=progress,
        workers=workers,
    )
    rows = [*catalogue.judge_chain(found), *catalogue.judge_beyond(found)]
    records = [row.to_json() for row in rows]
    provenance = environment(device) | {"code": version_of(paper), "scale": scale, "workers": str(workers)}
    try:
        stored: Path | None = results.store(paper, scale, records, provenance, root=root)
    except OSError:
        stored = None
    findings = tuple(Finding(c, *_judged(c, records, scale)) for c in claims_of(paper))
    return Reproduction(paper, scale, found, tuple(rows), findings, provenance, stored)


def claims(paper: str | None = None, *, root: Path | None = None) -> list[Finding]:
    """Return every claim with the verdict of its last stored measurement, stale ones marked.

    Raises:
        ValueError: an unknown paper.
    """
    names = list(PAPERS) if paper is None else [paper]
    found: list[Finding] = []
    for name in names:
        listed = claims_of(name)
        record = results.read_largest(name, root=root)
        if record is None:
            found += [Finding(claim, "not tried") for claim in listed]
            continue
        stale = record["provenance"].get("code") != version_of(name)
        for claim in listed:
            verdict, scale, _, rows = _judged(claim, record["verdicts"], record["scale"])
            found.append(Finding(claim, verdict, scale, stale, rows))
    return found


def claims_of(paper: str) -> tuple[Claim, ...]:
    """Return the claims of a paper."""
    return tuple(_module(paper, "claims").CLAIMS)


def catalogue_of(paper: str) -> ModuleType:
    """Return the module that says what a paper runs, how it is judged, drawn and captioned."""
    return _module(paper, "catalogue")


def check_scale(paper: str, scale: str) -> Any:
    """Return the sizes of a scale; ValueError with the known ones otherwise."""
    return _module(paper, "settings").scale_of(scale)


def version_of(paper: str) -> str:
    """Return the hash of all code that a paper's experiments run."""
    _check(paper)
    return code_version(f"scalewright.papers.{PAPERS[paper]}.catalogue")


def _judged(claim: Claim, records: Any, scale: str) -> tuple[Any, str, bool, Any]:
    verdict, rows = judge_claim(claim, records)
    return verdict, scale, False, rows


def _module(paper: str, name: str) -> ModuleType:
    _check(paper)
    return import_module(f"scalewright.papers.{PAPERS[paper]}.{name}")


def _check(paper: str) -> None:
    if paper not in PAPERS:
        raise ValueError(f"paper must be one of {', '.join(PAPERS)}; given {paper!r}")
