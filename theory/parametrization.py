"""The answer: powers of multiplier, initialisation, rate, epsilon and weight decay of every parameter."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from scalewright.theory import tables
from scalewright.theory.calculus.alignment import Alignment
from scalewright.theory.calculus.optimizers import Assignment, Optimizer
from scalewright.theory.calculus.optimizers import assignment as assignment_of
from scalewright.theory.desiderata.base import QUANTITIES as SYMBOLS
from scalewright.theory.errors import ScalingError
from scalewright.theory.gauge import Scaling, canonical, move
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.power import Exponent, Power
from scalewright.theory.solver.certificate import Certificate

if TYPE_CHECKING:
    from scalewright.theory.desiderata.base import Desideratum
    from scalewright.theory.segment import Segment

QUANTITIES = tuple(SYMBOLS)


@dataclass(frozen=True)
class Numbers:
    """The numbers that the powers of one parameter take at given sizes."""

    multiplier: float
    init_std: float
    lr: float
    eps: float | None = None
    weight_decay: float | None = None


@dataclass(frozen=True)
class Parametrization:
    """Exact scaling of every parameter of an architecture under one optimizer, with its proof.

    `p["hidden.0.weight"]` is a `Scaling`; `entries` maps all names. The certificate proves the exponents of
    `axes`; the powers of fixed sizes and gamma stand beside them by convention. `prescribed` names quantities
    that were set afterwards (`with_lr`), which the certificate doesn't prove. `multipliers` holds the fixed
    factors of the forward pass that belong to no parameter: residual branches, attention scores, mixtures,
    the output of a tied readout. `segments` says where the requirements leave a choice, and `vertices` holds
    the ends by name. `dropped` says which preferences can't hold, and why. `grow` says as which powers of
    each axis the sizes grow (more than one on a ray). `assignment` says which optimizer moves which
    parameter (None: the one called `optimizer`); `alignment` is the assumption under which it was solved.
    """

    name: str
    optimizer: str
    architecture: Architecture
    gauge: str
    axes: tuple[str, ...]
    entries: Mapping[str, Scaling]
    certificate: Certificate
    prescribed: tuple[str, ...] = ()
    assignment: Assignment | None = None
    multipliers: Mapping[str, Power] = field(default_factory=dict)
    segments: tuple["Segment", ...] = ()
    vertices: Mapping[str, "Parametrization"] = field(default_factory=dict)
    grow: Mapping[str, Mapping[str, Fraction]] = field(default_factory=dict)
    alignment: Alignment = field(default_factory=Alignment)
    dropped: Mapping[str, str] = field(default_factory=dict)
    require: "tuple[Desideratum, ...]" = ()

    @cached_property
    def optimizers(self) -> dict[str, Optimizer]:
        """The optimizer of every parameter."""
        rules = self.assignment or assignment_of(self.optimizer, "Parametrization")
        return {node.name: rules.of(self.architecture, node) for node in self.architecture.trainable}

    def __getitem__(self, parameter: str) -> Scaling:
        if parameter not in self.entries:
            known = ", ".join(self.entries)
            raise ScalingError(f"Parametrization: parameter must be one of {known}; given {parameter!r}")
        return self.entries[parameter]

    def in_gauge(self, gauge: str) -> "Parametrization":
        """Return the same training stated in another gauge.

        `gauge` is no-multipliers (table-3), output-multiplier (table-8), tensor-programs-4 (table-9) or
        unit-variance (ntk); ScalingError for another.
        """
        moved = {
            node.name: move(
                self.architecture, node, self.entries[node.name], self.optimizers[node.name], gauge
            )
            for node in self.architecture.trainable
        }
        vertices = {name: end.in_gauge(gauge) for name, end in self.vertices.items()}
        return replace(self, gauge=canonical(gauge), entries=moved, vertices=vertices)

    def with_lr(self, lr: Power | Mapping[str, Power] | Mapping[str, Exponent]) -> "Parametrization":
        """Return the same network with other learning rates, in this gauge.

        `lr` is one Power for all parameters, `{size: exponent}` standing for it, or `{parameter: Power}` for
        all. Raises TypeError for an exponent where a parameter needs a Power, ScalingError for unknown names.
        """
        powers = _rates(lr, tuple(self.entries), (*self.axes, *self._fixed))
        entries = {name: scaling.with_lr(powers[name]) for name, scaling in self.entries.items()}
        return replace(self, entries=entries, prescribed=tuple(dict.fromkeys((*self.prescribed, "lr"))))

    def verify(self) -> bool:
        """Return True if the certificate holds, answers this question, and proves entries and factors.

        Only powers of `axes` are certified; fixed sizes and gamma, and what `prescribed` names, are not.
        Raises Unverified at the first line of the proof or the first exponent that is wrong. Cost: that of
        measuring the network's sizes again, and linear in the length of the proofs.
        """
        from scalewright.theory.verification import verify

        return verify(self)

    @property
    def _fixed(self) -> tuple[str, ...]:
        """The sizes that don't grow, and gamma."""
        named = {name for _, power in self.architecture.dimensions for name, _ in power.items} | {"gamma"}
        return tuple(
            sorted(named - set(self.axes) - {name for powers in self.grow.values() for name in powers})
        )

    def at(self, **sizes: float) -> dict[str, Numbers]:
        """Return plain numbers: `at(width=4096, base_width=256, inputs=64)`.

        A growing axis enters as axis / base_axis (base_width defaults to 1), so at the base size every power
        of it is 1. Fixed sizes and gamma enter as they are, and default to 1. The width must be given.

        Raises ScalingError if an axis is missing, or a size isn't positive.
        """
        values = self._sizes(sizes)
        return {name: Numbers(*_numbers(scaling, values)) for name, scaling in self.entries.items()}

    def factors_at(self, **sizes: float) -> dict[str, float]:
        """Return the fixed factors of the forward pass as plain numbers, at sizes given as to `at`."""
        values = self._sizes(sizes)
        return {name: power.at(**values) for name, power in self.multipliers.items()}

    @property
    def sizes(self) -> tuple[str, ...]:
        """The names that `at` takes: the axes, their bases, the fixed sizes and gamma."""
        return (*self.axes, *(f"base_{axis}" for axis in self.axes), *self._fixed)

    def _sizes(self, given: Mapping[str, float]) -> dict[str, float]:
        bases = {f"base_{axis}": axis for axis in self.axes}
        for name, value in given.items():
            if name not in self.sizes:
                raise ScalingError(
                    f"Parametrization.at: sizes must be among {', '.join(self.sizes)}; given {name!r}"
                )
            if not value > 0 or value == float("inf"):
                raise ScalingError(
                    f"Parametrization.at: {name} must be a positive finite number; given {value!r}"
                )
        for axis in self.axes:
            if axis not in given:
                raise ScalingError(f"Parametrization.at: the size of axis {axis!r} must be given; given none")
        values = dict.fromkeys(self._fixed, 1.0) | {
            name: float(given[name]) for name in given if name not in bases
        }
        return values | {axis: given[axis] / given.get(base, 1.0) for base, axis in bases.items()}

    def explain(self, parameter: str, quantity: str) -> str:
        """Return the proof of one exponent, line by line: multiplier x constraint <- reason.

        `parameter` may be given without its ".weight", or be a node of `multipliers` for the quantity
        "multiplier". Raises ScalingError for an unknown name, or a quantity that the optimizer doesn't have.
        """
        return tables.explain(self, parameter, quantity)

    def to_markdown(self, axes: tuple[str, ...] | None = None) -> str:
        """Return a Markdown table of the powers of the axes; sizes not named by `axes` are left out."""
        return tables.to_markdown(self, axes)

    def to_latex(self, axes: tuple[str, ...] | None = None) -> str:
        """Return a LaTeX tabular of the powers of the axes."""
        return tables.to_latex(self, axes)

    def to_html(self, axes: tuple[str, ...] | None = None) -> str:
        """Return an HTML table of the powers of the axes."""
        return tables.to_html(self, axes)

    def to_json(self, axes: tuple[str, ...] | None = None) -> dict[str, Any]:
        """Return a JSON object: parameters with exponents per axis as strings, and the certificate."""
        return tables.to_json(self, axes)

    def _repr_html_(self) -> str:
        return self.to_html()

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


def _numbers(scaling: Scaling, sizes: Mapping[str, float]) -> tuple[Any, ...]:
    powers = (getattr(scaling, quantity) for quantity in QUANTITIES)
    return tuple(None if power is None else power.at(**sizes) for power in powers)


def _rates(lr: object, names: tuple[str, ...], sizes: tuple[str, ...]) -> dict[str, Power]:
    if not isinstance(lr, Power | Mapping):
        raise TypeError(f"Parametrization.with_lr: lr must be a Power or a mapping; given {lr!r}")
    if isinstance(lr, Mapping) and lr and all(isinstance(value, Power) for value in lr.values()):
        if set(lr) != set(names):
            raise ScalingError(
                f"Parametrization.with_lr: a mapping to Powers must name {', '.join(names)}; "
                f"given {', '.join(map(str, lr))}"
            )
        return {name: _known(power, sizes) for name, power in lr.items()}
    return dict.fromkeys(names, _known(lr if isinstance(lr, Power) else _one_rate(lr, names, sizes), sizes))


def _one_rate(lr: Mapping[str, Any], names: tuple[str, ...], sizes: tuple[str, ...]) -> Power:
    for name, value in lr.items():
        if name in names and not isinstance(value, Power):
            raise TypeError(
                f"Parametrization.with_lr: the rate of parameter {name!r} must be a Power; given {value!r}: "
                f"write {{{name!r}: {Power({sizes[0]: value})!r}}}, with a Power for every other parameter"
            )
        if isinstance(value, Power):
            raise TypeError(
                "Parametrization.with_lr: a mapping must give Powers to parameters or exponents to sizes; "
                f"given both, with {value!r} for {name!r}"
            )
        _check_size(name, sizes)
    return Power(lr)


def _known(power: Power, sizes: tuple[str, ...]) -> Power:
    for name in power.exponents:
        _check_size(name, sizes)
    return power


def _check_size(name: object, sizes: tuple[str, ...]) -> None:
    if name not in sizes:
        raise ScalingError(f"Parametrization.with_lr: sizes must be among {', '.join(sizes)}; given {name!r}")
