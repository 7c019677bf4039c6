"""Check a table of powers against its certificate, and the certificate against the question it answers."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from fractions import Fraction
from typing import TYPE_CHECKING

from scalewright.theory.calculus.optimizers import assignment as assignment_of
from scalewright.theory.calculus.sizes import Axis
from scalewright.theory.calculus.walk import measure
from scalewright.theory.desiderata.base import QUANTITIES
from scalewright.theory.errors import Unverified
from scalewright.theory.gauge import Scaling, canonical, move
from scalewright.theory.power import Power
from scalewright.theory.problem import Problem
from scalewright.theory.solver.affine import Number
from scalewright.theory.solver.certificate import AxisCertificate

if TYPE_CHECKING:
    from scalewright.theory.parametrization import Parametrization

END = "the end of the segment"


def verify(p: "Parametrization") -> bool:
    """Return True if everything that a parametrization claims is proved.

    The certificate's proofs hold; its system is that of the architecture, the optimizers, the alignment and
    the requirements; entries and factors are what it proves, in the gauge that is named; segments hold, and
    vertices are their ends. Raises Unverified at the first thing that is wrong.
    """
    p.certificate.verify()
    parts = {part.axis: part for part in p.certificate.axes}
    for axis in p.axes:
        if axis not in parts or not parts[axis].values:
            raise _wrong(f"nothing is proved on the axis {axis!r}")
    if set(parts) != set(p.axes):
        raise _wrong(f"the certificate is about the axes {', '.join(parts)}; given {', '.join(p.axes)}")
    for part in parts.values():
        _check_question(p, part)
        _check_entries(p, part.axis, part.values)
        _check_factors(p, part.axis, part.values)
    _check_gauge(p)
    _check_segments(p, parts)
    return True


def _wrong(what: str) -> Unverified:
    return Unverified(f"Parametrization.verify: {what}")


def _check_question(p: "Parametrization", part: AxisCertificate) -> None:
    """Derive the sizes and the constraints again, and compare them with those of the certificate."""
    rules = p.assignment or assignment_of(p.optimizer, "Parametrization.verify")
    if rules.name != p.optimizer:
        raise _wrong(f"the optimizer must be {rules.name}, as certified; given {p.optimizer}")
    axis = Axis(part.axis, dict(p.grow.get(part.axis, {part.axis: Fraction(1)})))
    system = Problem(measure(p.architecture, rules, axis, p.alignment), p.require).system
    shared = part.system.constraints[: len(system.constraints)]
    ends = part.system.constraints[len(system.constraints) :]
    if (system.definitions, system.constraints) != (part.system.definitions, shared) or len(ends) > 1:
        raise _wrong(
            f"the certificate of the axis {part.axis!r} is about another architecture, optimizer, alignment "
            "or set of requirements"
        )


def _check_entries(p: "Parametrization", axis: str, proved: Mapping[str, Number]) -> None:
    names = [node.name for node in p.architecture.trainable]
    if set(names) != set(p.entries):
        raise _wrong(f"entries must be those of {', '.join(names)}; given {', '.join(p.entries)}")
    for name, entry in p.entries.items():
        bare = entry.invariants(p.optimizers[name])
        for quantity, (symbol, sign) in QUANTITIES.items():
            value = proved.get(f"{symbol}[{name}]")
            wanted = None if value is None else sign * value
            if quantity not in p.prescribed:
                where = f"without multipliers, the exponent of {axis} in {quantity} of {name}"
                _compare(where, axis, wanted, getattr(bare, quantity))


def _check_factors(p: "Parametrization", axis: str, proved: Mapping[str, Number]) -> None:
    names = [name[2:-1] for name in proved if name.startswith("m[")]
    if set(names) != set(p.multipliers):
        raise _wrong(
            f"multipliers must be those of {', '.join(names) or 'no node'}; "
            f"given {', '.join(p.multipliers) or 'none'}"
        )
    for name, power in p.multipliers.items():
        _compare(f"the exponent of {axis} in the factor of {name}", axis, -proved[f"m[{name}]"], power)


def _compare(where: str, axis: str, wanted: Number | None, power: Power | None) -> None:
    """Raise Unverified unless a power has the proved exponent; on the axis gamma, N is 1/gamma."""
    wanted = -wanted if wanted is not None and axis == "gamma" else wanted
    given = None if power is None else power.exponent(axis)
    if wanted != given:
        raise _wrong(f"{where} must be {wanted}, as certified; given {given}")


def _check_gauge(p: "Parametrization") -> None:
    gauge = canonical(p.gauge)
    kept = [field.name for field in fields(Scaling) if field.name not in p.prescribed]
    for name, entry in p.entries.items():
        wanted = move(p.architecture, p.architecture.by_name[name], entry, p.optimizers[name], gauge)
        if any(getattr(wanted, quantity) != getattr(entry, quantity) for quantity in kept):
            raise _wrong(f"{name} isn't stated in the gauge {gauge}")


def _ended(parts: Mapping[str, AxisCertificate]) -> Iterator[str]:
    for part in parts.values():
        if part.system.constraints and part.system.constraints[-1].reason.startswith(END):
            yield part.axis


def _check_segments(p: "Parametrization", parts: Mapping[str, AxisCertificate]) -> None:
    if sorted(_ended(parts)) != sorted(segment.axis for segment in p.segments):
        raise _wrong("every end of a segment must come with its segment")
    for segment in p.segments:
        segment.verify()
        if all(parts[segment.axis].values != end.values for end in segment.ends.values()):
            raise _wrong(f"the certificate isn't that of an end of {segment}")
        for name, vertex in p.vertices.items():
            if name in segment.ends:
                proved = vertex.certificate.on(segment.axis).values
                if proved != segment.ends[name].values:
                    raise _wrong(f"the vertex {name} isn't that end of {segment}")
                _check_entries(vertex, segment.axis, proved)
                _check_factors(vertex, segment.axis, proved)
