"""Put the runs of a grid into blocks, by what they are and by nothing else."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from scalewright.nets.sweep.specification import Run


@dataclass(frozen=True)
class Planned:
    """A block to come: runs of one shape and their keys, in the grid's order."""

    runs: tuple[Run, ...]
    keys: tuple[str, ...]

    @property
    def slots(self) -> int:
        """Number of networks in the program: the next power of two from 2 on, filled up with copies.

        How many runs share a program may change how sums are rounded; with these few sizes it did not where
        it was measured, and the runs that are left of a block come out as they would have in all of it.
        """
        return max(2, 1 << (len(self.runs) - 1).bit_length())

    @property
    def padded(self) -> tuple[Run, ...]:
        """The runs, and copies of the last one in the slots that are left."""
        return (*self.runs, *[self.runs[-1]] * (self.slots - len(self.runs)))

    def without(self, there: Container[str]) -> "Planned":
        """Return the block of the runs that are not there yet."""
        pairs = [(run, key) for run, key in zip(self.runs, self.keys, strict=True) if key not in there]
        return Planned(tuple(run for run, _ in pairs), tuple(key for _, key in pairs))


def plan(runs: Sequence[Run], keys: Sequence[str]) -> list[Planned]:
    """Return the blocks: runs of one shape, in order, as many together as their `block` says."""
    groups: dict[tuple[object, ...], list[tuple[Run, str]]] = {}
    for run, key in zip(runs, keys, strict=True):
        groups.setdefault(run.shape(), []).append((run, key))
    blocks = []
    for group in groups.values():
        size = group[0][0].block
        for start in range(0, len(group), size):
            part, names = zip(*group[start : start + size], strict=True)
            blocks.append(Planned(part, names))
    return blocks
