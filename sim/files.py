"""Write what a run leaves behind: whole files only, and plain data that JSON can hold."""

import math
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_text(path: Path, text: str) -> Path:
    """Write a text in UTF-8, whole or not at all: see `write_bytes`."""
    return write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file, whole or not at all: under a name of this call alone, which is then renamed.

    A killed writer leaves nothing half under `path`, and of two writers one wins. What it may leave behind
    is a file whose name begins with a dot and ends in ".part".

    Raises:
        OSError: no room or no right to write; nothing is left behind.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.part")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def plain(value: Any) -> Any:
    """Return plain data for JSON: keys as text, tuples as lists, None for inf and nan, which JSON lacks."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
