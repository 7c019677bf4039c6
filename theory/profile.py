"""What a given parametrization does, good or bad: the exponent of every size, at the first step and later."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from scalewright.theory import tabulate
from scalewright.theory.calculus.alignment import Alignment
from scalewright.theory.calculus.optimizers import Assignment, Optimizer, assignment
from scalewright.theory.calculus.sizes import PASSING, Axis, Sizes
from scalewright.theory.calculus.walk import measure
from scalewright.theory.desiderata.base import multipliers_of
from scalewright.theory.errors import ScalingError, expect
from scalewright.theory.graph.nodes import Node
from scalewright.theory.parametrization import Parametrization
from scalewright.theory.power import Exponent, Power
from scalewright.theory.slopes import Slopes, slopes_of
from scalewright.theory.solver.affine import Affine, Number
from scalewright.theory.solver.system import Size, System, evaluate

Regime = Literal["catastrophic", "controlled divergence", "feature learning", "kernel", "trivial"]
State = Literal["unstable", "feature learning", "lazy", "frozen"]
# An exponent, "-oo" of an exact zero, "oo" of a size that grows with every step of training.
Found: TypeAlias = Number | Literal["-oo", "oo"]
MOST_SHOWN = 3
QUANTITIES = ("size", "effective", "propagating", "change", "gradient", "weight_gradient")


@dataclass(frozen=True)
class Row:
    """One tensor: exponents of its initial size, of its change and what it is made of, and of its gradient.

    `effective` is $(W_t - W_0) x_t$ and `propagating` $W_0 (x_t - x_0)$, where the tensor is made by a weight
    (None elsewhere); `weight_gradient` is the gradient with respect to that weight.
    """

    name: str
    parameter: str | None
    size: Found
    effective: Found | None
    propagating: Found | None
    change: Found
    gradient: Found
    weight_gradient: Found | None

    @property
    def state(self) -> State:
        """Whether the tensor moves by more than Theta(1), by Theta(1), by less, or not at all."""
        if self.change == "-oo":
            return "frozen"
        if self.change == "oo" or self.change > 0:
            return "unstable"
        return "feature learning" if self.change == 0 else "lazy"


@dataclass(frozen=True)
class AxisProfile:
    """The sizes on one axis: after the first steps, and once they have settled; and what that amounts to.

    `steps` holds up to three steps, in which an update acts on what its weight sees before the step.
    `growing` names what grows with every step of training or with every block, if anything does. `broken`
    names conditions of the rules that don't hold, such as that of a saturating activation, so that sizes
    behind them aren't those of the network.
    """

    axis: str
    steps: tuple[tuple[Row, ...], ...]
    later: tuple[Row, ...]
    regime: Regime
    growing: tuple[str, ...]
    broken: tuple[str, ...] = ()

    @property
    def first(self) -> tuple[Row, ...]:
        """The sizes after the first step."""
        return self.steps[0]

    def slopes(self, *, step: int | None = None) -> dict[str, Slopes]:
        """Return what a coordinate check should measure, by the weights' names in a state dict.

        `step` as in `row`. A network trained for a few steps at several widths should show these slopes, as
        long as its features are bounded. Beyond that edge sizes depend on the step, and the steps here let an
        update act on what its weight saw before it: take `mechanism(...).slopes(c, step=...)` there.

        >>> from scalewright.theory import mlp, named
        >>> found = profile(named(mlp(3), "sp", "sgd"), lr={"width": "-1/2"})["width"].slopes()
        >>> [found[f"{name}.weight"].effective for name in ("input", "hidden.0", "readout")]
        [-1.0, 0.0, 0.5]
        """
        return slopes_of(self._at(step, "slopes"))

    def row(self, name: str, *, step: int | None = None) -> Row:
        """Return the row of a tensor: later in training, or after the step numbered 1, 2 or 3.

        Where sizes settle sooner, a later step is the last one. Raises ScalingError for another name or step.
        """
        rows = {row.name: row for row in self._at(step, "row")}
        if name not in rows:
            raise ScalingError(f"AxisProfile.row: name must be one of {', '.join(rows)}; given {name!r}")
        return rows[name]

    def _at(self, step: int | None, caller: str) -> tuple[Row, ...]:
        if step is not None and not 1 <= step <= MOST_SHOWN:
            raise ScalingError(
                f"AxisProfile.{caller}: step must be from 1 to {MOST_SHOWN}, or None; given {step!r}"
            )
        return self.later if step is None else self.steps[min(step, len(self.steps)) - 1]


@dataclass(frozen=True)
class Profile:
    """What a parametrization does, axis by axis. `profile["width"]` is the AxisProfile of an axis."""

    name: str
    optimizer: str
    loss: str
    axes: tuple[AxisProfile, ...]

    def __getitem__(self, axis: str) -> AxisProfile:
        found = {part.axis: part for part in self.axes}
        if axis not in found:
            raise ScalingError(f"Profile: axis must be one of {', '.join(found)}; given {axis!r}")
        return found[axis]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object: by axis the regime, and every tensor at the first step and later."""
        return {
            "name": self.name,
            "optimizer": self.optimizer,
            "loss": self.loss,
            "axes": {
                part.axis: {
                    "regime": part.regime,
                    "growing": list(part.growing),
                    "broken": list(part.broken),
                    "first": [_row_json(row) for row in part.first],
                    "later": [_row_json(row) for row in part.later],
                }
                for part in self.axes
            },
        }

    def to_markdown(self) -> str:
        """Return Markdown tables, one an axis, of the sizes later in training."""
        return "\n".join(tabulate.markdown(*_table(self, part)) for part in self.axes)

    def to_latex(self) -> str:
        """Return LaTeX tabulars, one an axis."""
        return "\n".join(tabulate.latex(*_table(self, part)) for part in self.axes)

    def to_html(self) -> str:
        """Return HTML tables, one an axis."""
        return "\n".join(tabulate.html(*_table(self, part)) for part in self.axes)

    def _repr_html_(self) -> str:
        return self.to_html()

    def _repr_markdown_(self) -> str:
        return self.to_markdown()


def _row_json(row: Row) -> dict[str, str | None]:
    found: dict[str, str | None] = {"name": row.name, "parameter": row.parameter}
    for quantity in QUANTITIES:
        value = getattr(row, quantity)
        found[quantity] = None if value is None else str(value)
    return found | {"state": row.state}


def _table(found: Profile, part: AxisProfile) -> tuple[str, list[str], list[list[str]]]:
    caption = f"{found.name}, {found.optimizer}, {found.loss}: {part.regime}"
    if part.broken:
        caption += f" (not to be trusted: {'; '.join(part.broken)})"
    caption += f"; powers of {part.axis} later in training, -oo for an exact zero"
    head = ["tensor", "size", "effective", "propagating", "change", "gradient", "state"]
    rows = [[row.name, *(_cell(getattr(row, q)) for q in QUANTITIES[:-1]), row.state] for row in part.later]
    return caption, head, rows


def _cell(value: Found | None) -> str:
    return "" if value is None else str(value)


def profile(
    parametrization: Parametrization,
    optimizer: str | Optimizer | Assignment | Mapping[str, object] | None = None,
    loss: str | None = None,
    *,
    lr: Mapping[str, Exponent] | Mapping[str, Power] | Power | None = None,
    alignment: Alignment | None = None,
) -> Profile:
    """Predict the exponents of all sizes under a given parametrization, whatever it is.

    Sizes are evaluated step by step from initialisation, on each axis by itself, until they settle or are
    seen to grow with every step. An epsilon that isn't given counts as negligible.

    Args:
        parametrization: multipliers, initial standard deviations and rates; solved, named or built by hand.
        optimizer: another optimizer than its own.
        loss: squared, cross-entropy or brier, in place of the architecture's.
        lr: another rate: `{"width": "-1/2"}` is n^-1/2 for all parameters.
        alignment: another assumption than the one it was solved with on how sums add up.

    Returns:
        The Profile; `profile(p)["width"].row("readout").propagating` is an exponent.

    Raises:
        ScalingError: unknown names.
        TypeError: a float in `lr`.

    Cost: a walk of the graph, and at most 24 evaluations of its sizes, an axis; no solving.

    >>> from scalewright.theory import mlp, named
    >>> found = profile(named(mlp(4), "sp", "sgd"), lr={"width": "-1/2"})["width"]
    >>> found.regime, str(found.row("readout").change)
    ('controlled divergence', '1/2')
    """
    expect(parametrization, Parametrization, "profile: parametrization")
    chosen = parametrization if lr is None else parametrization.with_lr(lr)
    architecture = chosen.architecture if loss is None else chosen.architecture.with_loss(loss)
    rules = assignment(optimizer, "profile") if optimizer is not None else chosen.assignment
    rules = rules or assignment(chosen.optimizer, "profile")
    parts = [
        _axis_profile(measure(architecture, rules, axis, alignment or chosen.alignment), chosen)
        for axis in _axes(chosen)
    ]
    return Profile(chosen.name, rules.name, architecture.loss.kind, tuple(parts))


def _axes(parametrization: Parametrization) -> Iterator[Axis]:
    for name in parametrization.axes:
        yield Axis(name, dict(parametrization.grow.get(name, {name: Fraction(1)})))


def values_of(parametrization: Parametrization, sizes: Sizes) -> dict[str, Size]:
    """Return the unknowns of the calculus that a table of powers fixes; None where there is no epsilon."""
    axis = sizes.axis
    sign = -1 if axis.name == "gamma" else 1
    found: dict[str, Size] = {}
    for name, entry in parametrization.entries.items():
        for symbol, power, side in (
            ("a", entry.multiplier, -1),
            ("b", entry.init_std, -1),
            ("c", entry.lr, -1),
            ("e", entry.eps, 1),
        ):
            found[f"{symbol}[{name}]"] = None if power is None else side * sign * axis.exponent(power)
    for node in sizes.architecture.parameters:
        if node.is_frozen:
            found |= {
                f"{s}[{node.name}]": _frozen(parametrization, axis.name, f"{s}[{node.name}]") for s in "ab"
            }
    for node in multipliers_of(sizes):
        power = parametrization.multipliers.get(node.name, Power.one())
        found[f"m[{node.name}]"] = -sign * axis.exponent(power)
    return found


def _frozen(parametrization: Parametrization, axis: str, name: str) -> Number:
    parts = {part.axis: part for part in parametrization.certificate.axes}
    return parts[axis].values.get(name, 0) if axis in parts else 0


def _axis_profile(sizes: Sizes, parametrization: Parametrization) -> AxisProfile:
    values = values_of(parametrization, sizes)
    steps = list(System(tuple(sizes.definitions), ()).steps(values))
    growing = _growing(sizes, steps)
    shown = tuple(tuple(_rows(sizes, step, {})) for step in steps[:MOST_SHOWN])
    later = tuple(_rows(sizes, steps[-1], growing))
    broken = [c.reason for c in sizes.conditions if not c.kind and not c.holds(steps[-1])]
    regime = _regime(sizes, later, growing)
    return AxisProfile(sizes.axis.name, shown, later, regime, _in_words(growing), tuple(broken))


def _in_words(growing: Mapping[str, str]) -> tuple[str, ...]:
    """Return what grows over steps by the tensors that change, and what grows over blocks."""
    return tuple(
        text.replace(name, f"the change of {name[2:-1]}") if name.startswith("D[") else text
        for name, text in growing.items()
        if name.startswith("D[") or name == text
    )


def _growing(sizes: Sizes, steps: list[dict[str, Size]]) -> dict[str, str]:
    """Return what doesn't settle, by unknown with all that depends on it, and what grows over blocks."""
    last = steps[-1]
    found: dict[str, str] = {}
    if len(steps) > 1 and steps[-1] != steps[-2]:
        first = {name for name in last if last[name] != steps[-2][name]}
        found = {name: f"{name} grows with every step of training" for name in _reached(sizes, first)}
    for condition in sizes.conditions:
        if condition.kind == "growth" and not condition.holds(last):
            found[condition.reason] = condition.reason
    return found


def _reached(sizes: Sizes, start: set[str]) -> list[str]:
    """Return the unknowns of a set and all that are defined by them, directly or not."""
    reads = {
        definition.name: {name for term in definition.maximum.terms for name in term.value.coefficients}
        for definition in sizes.definitions
    }
    reached = set(start)
    while more := {name for name, read in reads.items() if name not in reached and read & reached}:
        reached |= more
    return [name for name in reads if name in reached]


def _rows(sizes: Sizes, at: Mapping[str, Size], growing: Mapping[str, str]) -> Iterator[Row]:
    graph = sizes.architecture

    def size(form: Affine | None) -> Found:
        if form is None:
            return "-oo"
        if any(name in growing for name in form.coefficients):
            return "oo"
        value = evaluate(form, at)
        return "-oo" if value is None else value

    for node in graph.order:
        if not _has_row(node):
            continue
        parameter = graph.parameter_of(node)
        effective, propagating = sizes.effective.get(node.name), sizes.propagating.get(node.name)
        yield Row(
            node.name,
            None if parameter is None else parameter.name,
            size(sizes.forward[node.name]),
            None if effective is None else size(effective.value),
            None if propagating is None else size(propagating.value),
            size(sizes.change[node.name]),
            size(sizes.gradient[node.name]),
            None if parameter is None else size(sizes.raw_gradient.get(parameter.name)),
        )


def _regime(sizes: Sizes, rows: tuple[Row, ...], growing: Mapping[str, str]) -> Regime:
    logits = sizes.architecture.logits
    inner = [row for row in rows if row.name not in logits]
    (outer,) = [row for row in rows if row.name == sizes.origin(sizes.architecture.loss.inputs[0])]
    if growing or any(row.state == "unstable" for row in inner):
        return "catastrophic"
    if outer.state == "unstable":
        return "controlled divergence"
    if outer.state in ("lazy", "frozen"):
        return "trivial"
    return "feature learning" if any(row.state == "feature learning" for row in inner) else "kernel"


def _has_row(node: Node) -> bool:
    return node.op not in ("parameter", "data", "loss", *PASSING)
