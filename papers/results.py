"""Store and read what `reproduce` measured: one JSON file a paper and scale, with provenance."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scalewright.sim.files import plain, write_text

SCHEMA = 1
SCALES = ("smoke", "standard", "full")
ROOM = Path(__file__).parent


def path_of(paper: str, scale: str, root: Path | None = None) -> Path:
    """Return where the results of a paper at a scale lie."""
    return (root or ROOM) / paper.replace("-", "_") / "results" / f"{scale}.json"


def store(
    paper: str,
    scale: str,
    verdicts: Sequence[Mapping[str, Any]],
    provenance: Mapping[str, Any],
    *,
    root: Path | None = None,
) -> Path:
    """Write the verdicts under a temporary name and rename: a killed run keeps the last results."""
    path = path_of(paper, scale, root)
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "schema": SCHEMA,
        "paper": paper,
        "scale": scale,
        "provenance": dict(provenance),
        "verdicts": list(verdicts),
    }
    return write_text(path, json.dumps(plain(record), indent=1, allow_nan=False) + "\n")


def read(paper: str, scale: str, *, root: Path | None = None) -> dict[str, Any] | None:
    """Return the stored record, or None where there is none.

    Raises:
        ValueError: the file is of another schema or is not JSON; the sentence names it.
    """
    path = path_of(paper, scale, root)
    if not path.exists():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"results: {path.name} of {paper} is not JSON ({error}); run `scalewright reproduce {paper}`"
        ) from None
    schema = record.get("schema") if isinstance(record, dict) else None
    if schema is not None and schema != SCHEMA:
        raise ValueError(f"results: {path.name} of {paper} has schema {schema}, this version reads {SCHEMA}")
    if schema is None or not {"provenance", "verdicts"} <= set(record):
        raise ValueError(
            f"results: {path.name} of {paper} is no record of results; run `scalewright reproduce {paper}`"
        )
    return record


def read_largest(paper: str, *, root: Path | None = None) -> dict[str, Any] | None:
    """Return the record of the largest scale that was measured."""
    records = (read(paper, scale, root=root) for scale in reversed(SCALES))
    return next((record for record in records if record is not None), None)
