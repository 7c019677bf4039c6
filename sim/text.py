"""A real text as bytes: the source of the installed sympy, or a file of one's own."""

import hashlib
from functools import cache
from pathlib import Path

import numpy as np

VOCABULARY = 256


@cache
def corpus(path: str | None = None) -> np.ndarray:
    """Return the bytes of a text, uint8; None: all Python files of sympy, in the order of their names.

    Raises:
        ValueError: a file that can't be read, or an empty one.
    """
    if path is not None:
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise ValueError(f"text: {path} can't be read: {error.strerror}") from None
    else:
        import sympy

        root = Path(sympy.__file__).parent
        content = b"".join(file.read_bytes() for file in sorted(root.rglob("*.py")))
    if not content:
        raise ValueError(f"text: {path} must hold at least one byte; it is empty")
    return np.frombuffer(content, dtype=np.uint8)


def sha256(path: str | None = None) -> str:
    """Return the SHA-256 of the text."""
    return hashlib.sha256(corpus(path).tobytes()).hexdigest()


def windows(
    samples: int, context: int, *, seed: int = 0, path: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return contexts (samples, context) and at each position the next byte, int64; places by the seed.

    Raises:
        ValueError: a text shorter than one context and the byte after it.
    """
    text = corpus(path)
    if len(text) <= context:
        raise ValueError(f"text: context must be below the text's {len(text)} bytes; given {context}")
    starts = np.random.default_rng(np.random.SeedSequence([seed, context])).integers(
        0, len(text) - context, samples
    )
    taken = text[starts[:, None] + np.arange(context + 1)].astype(np.int64)
    return taken[:, :-1], taken[:, 1:]
