"""Exact linear programs: floating-point simplex finds the answer, Fractions prove it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

from scalewright.theory.errors import Unverified
from scalewright.theory.solver.affine import ZERO, Affine, Number, quotient, slim

# Multipliers of these systems are ratios of small minors of matrices with entries 0, 1/2, 1, 2.
DENOMINATOR = 96
TINY = 1e-7


@dataclass(frozen=True)
class Optimum:
    """The least value of an objective, and multipliers m_i >= 0 with objective - value = - sum m_i form_i."""

    value: Number
    multipliers: dict[int, Number]


@dataclass(frozen=True)
class Contradiction:
    """Multipliers m_i >= 0 with sum m_i form_i a positive constant: the forms can't all be <= 0 (Farkas)."""

    multipliers: dict[int, Number]


@dataclass(frozen=True)
class Unbounded:
    """The objective has no least value."""


Answer: TypeAlias = Optimum | Contradiction | Unbounded


def minimise(objective: Affine, forms: Sequence[Affine]) -> Answer:
    r"""Minimise an affine objective subject to form <= 0 for every form, exactly.

    HiGHS solves in floating point. The dual multipliers are rounded to rationals (or solved for exactly on
    their support), and the identity objective = value - sum m_i form_i, all m_i >= 0, which proves
    objective >= value, is checked in Fractions. An infeasible system gets Farkas multipliers, checked alike.

    Raises:
        Unverified: the rounded multipliers don't satisfy the identity.

    Cost: one call of HiGHS (a few ms) and O(nonzeros) rational operations.

    >>> x = Affine.unknown("x")
    >>> minimise(x, [Affine.number("1/2") - x]).value
    Fraction(1, 2)
    """
    names = _names(objective, *forms)
    if not names:
        return _constant_program(objective, forms)
    found = _highs(objective, forms, names)
    if found.status == 0:
        return _certified(objective, forms, [-float(m) for m in found.ineqlin.marginals])
    farkas = _farkas(forms, names)
    if farkas is not None:
        return farkas
    return Unbounded()


def _constant_program(objective: Affine, forms: Sequence[Affine]) -> Optimum | Contradiction:
    for index, form in enumerate(forms):
        if form.constant > 0:
            return Contradiction({index: Fraction(1)})
    return Optimum(objective.constant, {})


def _names(*forms: Affine) -> list[str]:
    return sorted({name for form in forms for name in form.coefficients})


def _highs(objective: Affine, forms: Sequence[Affine], names: Sequence[str]) -> Any:
    """Return what HiGHS finds for the least objective with every form <= 0, in floating point."""
    from scipy.optimize import linprog

    matrix, bound = _arrays(forms, names)
    cost = [float(objective.coefficients.get(name, 0)) for name in names]
    return linprog(cost, A_ub=matrix, b_ub=bound, bounds=(None, None), method="highs-ds")


def _arrays(forms: Sequence[Affine], names: Sequence[str]) -> tuple[Any, Any]:
    import numpy as np

    column = {name: index for index, name in enumerate(names)}
    matrix = np.zeros((max(len(forms), 1), len(names)))
    bound = np.zeros(max(len(forms), 1))
    for row, form in enumerate(forms):
        bound[row] = -float(form.constant)
        for name, value in form.coefficients.items():
            matrix[row, column[name]] = float(value)
    return matrix, bound


def _certified(objective: Affine, forms: Sequence[Affine], floats: Sequence[float]) -> Optimum:
    for find in (lambda: _rounded(floats), lambda: _solved(objective, forms, floats)):
        multipliers = find()
        rest = _combination(forms, multipliers).plus(objective, 1)
        if rest.is_constant and all(m >= 0 for m in multipliers.values()):
            return Optimum(rest.constant, multipliers)
    raise Unverified(
        "minimise: the optimum found in floating point has no exact certificate; refusing to return it"
    )


def _rounded(floats: Sequence[float]) -> dict[int, Number]:
    return {i: Fraction(m).limit_denominator(DENOMINATOR) for i, m in enumerate(floats) if abs(m) > TINY}


def _solved(objective: Affine, forms: Sequence[Affine], floats: Sequence[float]) -> dict[int, Number]:
    """Return multipliers on the floating-point support that solve the identity exactly."""
    support = [i for i, m in enumerate(floats) if abs(m) > TINY]
    names = _names(objective, *forms)
    rows = [
        [forms[i].coefficients.get(name, ZERO) for i in support] + [-objective.coefficients.get(name, ZERO)]
        for name in names
    ]
    return {support[column]: value for column, value in _gauss(rows).items()}


def _gauss(rows: list[list[Number]]) -> dict[int, Number]:
    """Solve the augmented linear system exactly; pivot columns get values, the others stay 0."""
    pivots: dict[int, list[Fraction]] = {}
    for whole in rows:
        row = [Fraction(x) for x in whole]
        for column, pivot in pivots.items():
            if row[column]:
                row = [x - row[column] * y for x, y in zip(row, pivot, strict=True)]
        lead = next((column for column, x in enumerate(row[:-1]) if x), None)
        if lead is None:
            continue
        row = [x / row[lead] for x in row]
        for column, pivot in pivots.items():
            if pivot[lead]:
                pivots[column] = [x - pivot[lead] * y for x, y in zip(pivot, row, strict=True)]
        pivots[lead] = row
    return {column: row[-1] for column, row in pivots.items()}


def _combination(forms: Sequence[Affine], multipliers: Mapping[int, Number]) -> Affine:
    total = Affine()
    for index, value in multipliers.items():
        total = total.plus(forms[index], value)
    return total


def _farkas(forms: Sequence[Affine], names: Sequence[str]) -> Contradiction | None:
    """Minimise t >= 0 subject to form <= t for every form; at t > 0 its multipliers contradict the system."""
    import numpy as np
    from scipy.optimize import linprog

    matrix, bound = _arrays(forms, names)
    elastic = np.hstack([matrix, -np.ones((len(matrix), 1))])
    cost = [0.0] * len(names) + [1.0]
    limits = [(None, None)] * len(names) + [(0, None)]
    found = linprog(cost, A_ub=elastic, b_ub=bound, bounds=limits, method="highs-ds")
    if found.status != 0:
        raise Unverified(f"minimise: HiGHS could decide neither way: {found.message}")
    if found.fun < TINY:
        return None
    floats = [-float(m) for m in found.ineqlin.marginals]
    for find in (lambda: _rounded(floats), lambda: _solved_farkas(forms, floats)):
        multipliers = find()
        total = _combination(forms, multipliers)
        if total.is_constant and total.constant > 0 and all(m >= 0 for m in multipliers.values()):
            return Contradiction({i: quotient(m, total.constant) for i, m in multipliers.items()})
    raise Unverified(
        "minimise: the system is infeasible in floating point but has no exact Farkas certificate"
    )


def _solved_farkas(forms: Sequence[Affine], floats: Sequence[float]) -> dict[int, Number]:
    """Solve on the support for multipliers whose combination has no unknown, normalised to sum to 1."""
    support = [i for i, m in enumerate(floats) if abs(m) > TINY]
    names = _names(*forms)
    rows: list[list[Number]] = [
        [*(forms[i].coefficients.get(name, ZERO) for i in support), ZERO] for name in names
    ]
    rows.append([*(1 for _ in support), 1])
    return {support[column]: value for column, value in _gauss(rows).items()}


def point(objective: Affine, forms: Sequence[Affine]) -> dict[str, float] | None:
    """Return a point in floating point at which the objective is least; None if there is none."""
    names = _names(objective, *forms)
    if not names:
        return {}
    found = _highs(objective, forms, names)
    return dict(zip(names, map(float, found.x), strict=True)) if found.status == 0 else None


def shortest_proof(
    claim: Affine,
    forms: Sequence[Affine],
    equal: Sequence[bool],
    *,
    strict: bool = False,
    costly: frozenset[int] = frozenset(),
) -> dict[int, Number] | None:
    """Return multipliers, smallest in sum, with claim - sum m_i form_i a constant that is at most 0.

    Forms are <= 0, or == 0 where `equal`; only the latter may have negative multipliers. With `strict`, the
    constant must be 0. `costly` forms, which need proofs of their own, count four times. None if HiGHS finds
    none, or none that is exact once rounded.
    """
    import numpy as np
    from scipy.optimize import linprog

    if not forms:
        return {} if claim.is_constant and claim.constant <= 0 else None
    names = _names(claim, *forms)
    matrix, bound = _arrays(forms, names)
    sides = [index for index, both in enumerate(equal) if both]
    rows = np.hstack([matrix.T, -matrix.T[:, sides]])
    constants = np.concatenate([-bound, bound[sides]])
    target = [float(claim.coefficients.get(name, 0)) for name in names]
    # Among sums of the same size prefer the lines that come last: what is required, not what defines.
    places = [*range(len(forms)), *sides]
    cost = np.array([(4.0 if place in costly else 1.0) - 1e-6 * place for place in places])
    least = {"A_ub": -constants[None, :], "b_ub": [-float(claim.constant)]}
    if strict:
        rows, target = np.vstack([rows, constants]), [*target, float(claim.constant)]
        least = {}
    found = linprog(cost, A_eq=rows, b_eq=target, method="highs-ds", **least)
    if found.status != 0:
        return None
    total: dict[int, Number] = {}
    for place, value in enumerate(found.x):
        if abs(value) > TINY:
            index, sign = places[place], 1 if place < len(forms) else -1
            total[index] = total.get(index, 0) + slim(sign * Fraction(value).limit_denominator(DENOMINATOR))
    rest = claim.plus(_combination(forms, total), -1)
    fair = all(value >= 0 or equal[index] for index, value in total.items())
    return total if fair and rest.is_constant and rest.constant <= 0 else None
