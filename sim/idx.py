"""Read Fashion-MNIST from its IDX files, wherever the machine keeps them."""

import gzip
import os
from pathlib import Path

import numpy as np

#: Where files are looked for, in order: the folder that SCALEWRIGHT_DATA names, then Debian's.
FOLDERS = ("fashion-mnist", ".")
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
PARTS = {"train": "train", "test": "t10k"}


def fashion_mnist(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return images (P, 784), bytes, and labels (P,) of the "train" (60000) or "test" (10000) part.

    Raises:
        ValueError: no file, with the command that gets it, or a file that is no IDX file of this shape.
    """
    stem = PARTS[part]
    images = read(_find(f"{stem}-images-idx3-ubyte"))
    labels = read(_find(f"{stem}-labels-idx1-ubyte"))
    if images.ndim != 3 or labels.shape != images.shape[:1]:
        raise ValueError(
            f"data.load: fashion-mnist needs images (P, 28, 28) and labels (P,); found {images.shape} and "
            f"{labels.shape}"
        )
    return images.reshape(len(images), -1), labels.astype(np.int64)


def read(path: Path) -> np.ndarray:
    """Return the array of bytes in an IDX file, compressed by gzip or not.

    The file begins with two zero bytes, the type (8: unsigned bytes), the number of dimensions, and each
    dimension in four bytes, the most significant first.

    Raises:
        ValueError: another beginning, or fewer bytes than the dimensions say.
    """
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    if len(content) < 4 or content[:3] != b"\x00\x00\x08":
        raise ValueError(f"data.load: {path} is no IDX file of unsigned bytes")
    start = 4 + 4 * content[3]
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], dtype=">u4"))
    values = np.frombuffer(content[start:], dtype=np.uint8)
    if len(values) != int(np.prod(shape)):
        raise ValueError(f"data.load: {path} should hold {shape} bytes; it holds {len(values)}")
    return values.reshape(shape)


def _find(name: str) -> Path:
    root = os.environ.get("SCALEWRIGHT_DATA")
    folders = [*([Path(root) / folder for folder in FOLDERS] if root else []), DEBIAN]
    for folder in folders:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    raise ValueError(
        f"data.load: fashion-mnist needs {name}[.gz] in one of {', '.join(map(str, folders))}; get it by "
        "`apt-get install dataset-fashion-mnist`, or name its folder by SCALEWRIGHT_DATA"
    )
