"""Exact linear programs: floating-point simplex finds the answer, Fractions prove it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from scalewright.theory.errors import Unverified
from scalewright.theory.solver.affine import ZERO, Affine

# Multipliers of these systems are ratios of small minors of matrices with entries 0, 1/2, 1, 2.
DENOMINATOR = 96
TINY = 1e-7


@dataclass(frozen=True)
class Optimum:
    """The least value of an objective, and multipliers m_i >= 0 with objective - value = - sum m_i form_i."""

    value: Fraction
    multipliers: dict[int, Fraction]


@dataclass(frozen=True)
class Contradiction:
    """Multipliers m_i >= 0 with sum m_i form_i a positive constant: the forms can't all be <= 0 (Farkas)."""

    multipliers: dict[int, Fraction]


@dataclass(frozen=True)
class Unbounded:
    """The objective has no least value."""


def minimise(objective: Affine, forms: Sequence[Affine]) -> Optimum | Contradiction | Unbounded:
    r"""Minimise an affine objective subject to form <= 0 for every form, exactly.

    HiGHS solves in floating point. The dual multipliers are rounded to rationals (or solved for exactly on
    their support), and the identity objective = value - sum m_i form_i, all m_i >= 0, is checked in
    Fractions; it proves objective >= value. An infeasible system is answered by Farkas multipliers, checked
    likewise.

    Raises:
        Unverified: the rounded multipliers don't satisfy the identity.

    Cost: one call of HiGHS (a few ms) and O(nonzeros) rational operations.

    >>> x = Affine.unknown("x")
    >>> minimise(x, [Affine.number("1/2") - x]).value
    Fraction(1, 2)
    """
    from scipy.optimize import linprog

    names = sorted({name for form in (objective, *forms) for name in form.coefficients})
    if not names:
        return _constant_program(objective, forms)
    matrix, bound = _arrays(forms, names)
    cost = [float(objective.coefficients.get(name, 0)) for name in names]
    found = linprog(cost, A_ub=matrix, b_ub=bound, bounds=(None, None), method="highs-ds")
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
        rest = _combination(forms, multipliers).plus(objective, Fraction(1))
        if rest.is_constant and all(m >= 0 for m in multipliers.values()):
            return Optimum(rest.constant, multipliers)
    raise Unverified(
        "minimise: the optimum found in floating point has no exact certificate; refusing to return it"
    )


def _rounded(floats: Sequence[float]) -> dict[int, Fraction]:
    return {i: Fraction(m).limit_denominator(DENOMINATOR) for i, m in enumerate(floats) if abs(m) > TINY}


def _solved(objective: Affine, forms: Sequence[Affine], floats: Sequence[float]) -> dict[int, Fraction]:
    """Return multipliers on the floating-point support that solve the identity exactly."""
    support = [i for i, m in enumerate(floats) if abs(m) > TINY]
    names = sorted({name for form in (objective, *forms) for name in form.coefficients})
    rows = [
        [forms[i].coefficients.get(name, ZERO) for i in support] + [-objective.coefficients.get(name, ZERO)]
        for name in names
    ]
    return {support[column]: value for column, value in _gauss(rows).items()}


def _gauss(rows: list[list[Fraction]]) -> dict[int, Fraction]:
    """Solve the augmented linear system exactly; pivot columns get values, the others stay 0."""
    pivots: dict[int, list[Fraction]] = {}
    for row in rows:
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


def _combination(forms: Sequence[Affine], multipliers: Mapping[int, Fraction]) -> Affine:
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
            return Contradiction({i: m / total.constant for i, m in multipliers.items()})
    raise Unverified(
        "minimise: the system is infeasible in floating point but has no exact Farkas certificate"
    )


def _solved_farkas(forms: Sequence[Affine], floats: Sequence[float]) -> dict[int, Fraction]:
    """Solve on the support for multipliers whose combination has no unknown, normalised to sum to 1."""
    support = [i for i, m in enumerate(floats) if abs(m) > TINY]
    names = sorted({name for form in forms for name in form.coefficients})
    rows = [[forms[i].coefficients.get(name, ZERO) for i in support] + [ZERO] for name in names]
    rows.append([Fraction(1)] * len(support) + [Fraction(1)])
    return {support[column]: value for column, value in _gauss(rows).items()}
