"""Weigh requirements that may not hold together: keep the heaviest set that does."""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import combinations

from scalewright.theory.desiderata.base import Desideratum
from scalewright.theory.errors import Infeasible, NotUnique, ScalingError, Unreachable
from scalewright.theory.parametrization import Parametrization
from scalewright.theory.power import exact

# Every subset of the preferences may have to be tried.
MOST = 8
Weighed = Mapping[Desideratum, Fraction]


def weighed(prefer: Mapping[Desideratum, object]) -> Weighed:
    """Return preferences with exact weights.

    Raises ScalingError if there are more than MOST or a weight isn't positive, TypeError if one is a float.
    """
    where = "derive: prefer: the weight of"
    found = {item: exact(weight, f"{where} {item.name!r}") for item, weight in prefer.items()}
    if len(found) > MOST:
        raise ScalingError(f"derive: prefer must hold at most {MOST} requirements; given {len(found)}")
    for item, weight in found.items():
        if weight <= 0:
            raise ScalingError(f"derive: the weight of {item.name!r} must be positive; given {weight}")
    return found


def subsets(prefer: Weighed) -> Iterator[tuple[Desideratum, ...]]:
    """Yield all subsets, the heaviest first; of equal ones that which keeps what was named first."""
    items = list(prefer)
    every = [kept for size in range(len(items), -1, -1) for kept in combinations(items, size)]
    yield from sorted(every, key=lambda kept: -sum((prefer[item] for item in kept), Fraction(0)))


def heaviest(
    solve: Callable[[tuple[Desideratum, ...]], Parametrization], prefer: Weighed
) -> tuple[Parametrization, dict[str, str]]:
    """Return the solution with the heaviest set of preferences that can hold, and why each other one can't.

    `solve` takes the preferences kept and raises Infeasible if they can't hold; NotUnique and Unreachable
    count the same. Cost: one derivation for every heavier subset, and one for every preference dropped.
    """
    last: ScalingError | None = None
    for kept in subsets(prefer):
        try:
            found = solve(kept)
        except (Infeasible, NotUnique, Unreachable) as error:
            last = error
            continue
        return found, {item.name: _why(solve, (*kept, item)) for item in prefer if item not in kept}
    assert last is not None
    raise last


def _why(
    solve: Callable[[tuple[Desideratum, ...]], Parametrization], require: tuple[Desideratum, ...]
) -> str:
    try:
        solve(require)
    except ScalingError as error:
        return str(error)
    return "it holds only without a heavier one"
