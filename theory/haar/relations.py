r"""Prove a table of Weingarten functions by the orthogonality relations, which don't know how it was found.

W W^T = 1 in O(n): contract the columns of two entries in E[W ... W]. For every class mu and every part m of
it

$$n\,\mathrm{Wg}(\mu)+\sum_{l\ne m}2l\,\mathrm{Wg}(\mu:m,l\to m+l)+\sum_{i=1}^{m-1}\mathrm{Wg}(\mu:m\to i,m-i)
+(m-1)\,\mathrm{Wg}(\mu)=[m=1]\,\mathrm{Wg}(\mu\setminus m),$$

l over the other parts. In U(n) the factor 2 and the last term on the left are missing; Sp(n) is O(-n). From n
= k on (Sp: 2k) these have one solution.

Reference: Collins and Matsumoto, arXiv:1701.04493, for the relations.
"""

from collections.abc import Mapping

from sympy import Expr, Integer, fraction, lcm

from scalewright.theory.errors import Unverified
from scalewright.theory.haar.groups import Group, group_of
from scalewright.theory.haar.partitions import Partition, ordered
from scalewright.theory.haar.tables import Table, table


def terms(mu: Partition, part: int, group: Group, n: Expr) -> dict[Partition, Expr]:
    """Return the left side of the relation of one class and one of its parts: class to coefficient."""
    rest = list(mu)
    rest.remove(part)
    found: dict[Partition, Expr] = {mu: Integer(part - 1 if group.alpha == 2 else 0)}
    for place, other in enumerate(rest):
        merged = ordered((*rest[:place], *rest[place + 1 :], part + other))
        found[merged] = found.get(merged, Integer(0)) + group.alpha * other
    for piece in range(1, part):
        split = ordered((*rest, piece, part - piece))
        found[split] = found.get(split, Integer(0)) + 1
    return {nu: group.sign * count + (n if nu == mu else 0) for nu, count in found.items()}


def verify(found: Table) -> int:
    """Prove a table exactly; return the number of relations that were checked.

    Raises:
        Unverified: a relation fails. ValueError: an integer dimension below the least pole, where the
            pseudo-inverse is one of many solutions. Cost: polynomial arithmetic of the denominators' degree,
            p(k) times.
    """
    group, n, k = group_of(found.group, "verify"), found.dimension, found.degree // 2
    if n.is_Integer and n < found.valid_from:
        raise ValueError(
            f"verify: at dimension {n}, below {found.valid_from}, the relations have many solutions; the "
            "table is the pseudo-inverse among them"
        )
    lower: Mapping[Partition, Expr] = {(): Integer(1)}
    if k > 1:
        lower = table(found.degree - 2, n, group=found.group)
    checked = 0
    for mu in found:
        for part in sorted(set(mu)):
            left = [(coefficient, found[nu]) for nu, coefficient in terms(mu, part, group, n).items()]
            if part == 1:
                left.append((Integer(-1), lower[mu[:-1]]))
            if not _vanishes(left):
                raise Unverified(
                    f"verify: the relation of class {mu}, part {part}, fails in the {found.group} table"
                )
            checked += 1
    return checked


def _vanishes(products: list[tuple[Expr, Expr]]) -> bool:
    """Whether a sum of products coefficient * rational function is 0, brought over one denominator."""
    pairs = [(coefficient, *fraction(value)) for coefficient, value in products]
    common = lcm([below for *_, below in pairs]) if len(pairs) > 1 else pairs[0][2]
    total = sum((c * above * (common / below).cancel() for c, above, below in pairs), Integer(0))
    return bool(total.expand() == 0)
