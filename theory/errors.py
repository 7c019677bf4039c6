"""The errors of theory: one family, each a sentence that says what to do; infeasibility carries its proof."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from fractions import Fraction

    from scalewright.theory.solver.certificate import Certificate


class ScalingError(ValueError):
    """Stand at the head of every error that `scalewright.theory` raises about scaling."""


class ArchitectureError(ScalingError):
    """Say which node of a graph is wrong: a cycle, an unknown operation, a mismatch of dimensions, ..."""


class Infeasible(ScalingError):
    """Say that the requirements can't hold together, and prove it.

    `certificate` holds the Farkas combination: multiples of the requirements that add up to a false statement
    such as 1/2 <= 0. `certificate.verify()` checks it in exact arithmetic.
    """

    def __init__(self, message: str, certificate: "Certificate") -> None:
        super().__init__(message)
        self.certificate = certificate


class Unreachable(ScalingError):
    """Say that sizes meeting the requirements would stay as they are, but training doesn't get there.

    Sizes follow from the initial ones step by step. Where a layer starts smaller than Theta(1) and its
    gradient is small because of that, the sizes that the requirements ask for are at rest only once they are
    reached, and from initialisation that takes a number of steps that grows like log N.
    """


class NotUnique(ScalingError):
    """Say which exponent the requirements leave open, and its range.

    `directions` holds the free directions: each maps unknowns, such as "c[readout.weight]", to
    how much they change along it. No equality fixes them; inequalities may end them.
    """

    directions: "tuple[Mapping[str, Fraction | int], ...]" = ()

    def along(self, directions: "tuple[Mapping[str, Fraction | int], ...]") -> "NotUnique":
        """Return the same error with its free directions."""
        error = NotUnique(str(self))
        error.directions = directions
        return error


class Unverified(ScalingError):
    """Say that an answer was found in floating point but couldn't be proved in exact arithmetic."""


def expect(value: object, kind: type, where: str) -> None:
    """Raise TypeError, in a sentence that `where` begins, unless the value is of a kind."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise TypeError(f"{where} must be {article} {kind.__name__}; given {value!r}")
