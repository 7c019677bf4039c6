"""Tables and proofs in print: Markdown, LaTeX, HTML, JSON, and the explanation of one entry."""

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from scalewright.theory import tabulate
from scalewright.theory.desiderata.base import QUANTITIES
from scalewright.theory.errors import ScalingError
from scalewright.theory.power import SYMBOLS, Power
from scalewright.theory.solver.affine import Affine
from scalewright.theory.solver.certificate import AxisCertificate, Certificate
from scalewright.theory.solver.proofs import LEGEND, proof_of

if TYPE_CHECKING:
    from scalewright.theory.parametrization import Parametrization
    from scalewright.theory.segment import Segment

TITLES = {
    "multiplier": "multiplier",
    "init_std": "initial std",
    "lr": "learning rate",
    "eps": "epsilon",
    "weight_decay": "weight decay",
}


def _columns(p: "Parametrization") -> list[str]:
    """Return the quantities that the optimizers have."""
    return [name for name in TITLES if any(getattr(s, name) is not None for s in p.entries.values())]


def _table(
    p: "Parametrization", axes: tuple[str, ...] | None, write: Callable[[Power], str]
) -> tuple[str, list[str], list[list[str]]]:
    """Return caption, head and rows: one a parameter, then the factors that belong to none."""
    shown, columns = p.axes if axes is None else axes, _columns(p)
    head = ["parameter", *(TITLES[column] for column in columns)]
    rows = [[name, *(_cell(p, name, column, shown, write) for column in columns)] for name in p.entries]
    for name, power in p.multipliers.items():
        if power != Power.one():
            rows.append([name, write(power.only(shown)), *[""] * (len(columns) - 1)])
    return _caption(p), head, rows


def _cell(
    p: "Parametrization", name: str, column: str, shown: tuple[str, ...], write: Callable[[Power], str]
) -> str:
    power = getattr(p.entries[name], column)
    if power is None:
        return ""
    if column == "init_std" and p.architecture.by_name[name].starts_at_zero:
        return "0"
    return write(power.only(shown))


def _caption(p: "Parametrization") -> str:
    letters = ", ".join(f"{SYMBOLS.get(axis, axis)} = {axis}" for axis in p.axes)
    text = f"{p.name}, {p.optimizer}, gauge {p.gauge}; {letters}"
    along = [
        f"{other} = {axis}^{value}"
        for axis, grown in p.grow.items()
        for other, value in grown.items()
        if other != axis
    ]
    if along:
        text += f", along {', '.join(along)}"
    if len(p.axes) > 1:
        text += f"; {p.axes[0]} first, then {', then '.join(p.axes[1:])}"
    return text + "".join(f"; one end of {segment}" for segment in p.segments)


def cells(p: "Parametrization") -> tuple[str, list[str], list[list[str]]]:
    """Return caption, head and rows of the table as text: the powers of the axes that were solved."""
    return _table(p, None, str)


def to_markdown(p: "Parametrization", axes: tuple[str, ...] | None = None) -> str:
    """Return a Markdown table; powers of sizes outside `axes` are left out."""
    return tabulate.markdown(*_table(p, axes, str))


def _latex(power: Power) -> str:
    return "$" + (" ".join(_latex_factor(name, str(value)) for name, value in power.items) or "1") + "$"


def _latex_factor(name: str, value: str) -> str:
    symbol = SYMBOLS.get(name, name)
    body = symbol if len(symbol) == 1 else (r"\gamma" if symbol == "gamma" else rf"\mathrm{{{symbol}}}")
    return body if value == "1" else f"{body}^{{{value}}}"


def to_latex(p: "Parametrization", axes: tuple[str, ...] | None = None) -> str:
    r"""Return a LaTeX tabular."""
    return tabulate.latex(*_table(p, axes, _latex))


def _html(power: Power) -> str:
    factors = (
        f"<i>{escape(SYMBOLS.get(n, n))}</i>" + ("" if v == 1 else f"<sup>{v}</sup>") for n, v in power.items
    )
    return " ".join(factors) or "1"


def to_html(p: "Parametrization", axes: tuple[str, ...] | None = None) -> str:
    """Return an HTML table."""
    return tabulate.html(*_table(p, axes, _html))


def to_json(p: "Parametrization", axes: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Return the JSON object: exponents per axis as strings, null where there is none."""
    shown = p.axes if axes is None else axes

    def write(power: Power | None) -> dict[str, str] | None:
        return None if power is None else power.to_json(shown)

    parameters = [
        {"name": name} | {quantity: write(getattr(scaling, quantity)) for quantity in TITLES}
        for name, scaling in p.entries.items()
    ]
    return {
        "name": p.name,
        "optimizer": p.optimizer,
        "gauge": p.gauge,
        "axes": list(p.axes),
        "order": f"{p.axes[0]} first" + "".join(f", then {axis}" for axis in p.axes[1:]),
        "prescribed": list(p.prescribed),
        "parameters": parameters,
        "multipliers": [{"name": name, "multiplier": write(power)} for name, power in p.multipliers.items()],
        "segments": [_segment_json(segment) for segment in p.segments],
        "certificate": certificate_json(p.certificate),
    }


def _segment_json(segment: "Segment") -> dict[str, Any]:
    return {
        "axis": segment.axis,
        "coordinate": segment.coordinate,
        "low": str(segment.low),
        "high": str(segment.high),
        "ends": {name: str(segment.at(name)) for name in segment.ends},
    }


def certificate_json(certificate: Certificate) -> dict[str, Any]:
    """Return whether the certificate verifies, and the proof of every exponent as lines of text, by axis."""
    return {
        "verified": certificate.verify(),
        "axes": {
            part.axis: {
                "constraints": [f"{c} <- {c.reason}" for c in part.system.all_constraints()],
                "values": {name: str(value) for name, value in part.values.items()},
                "proofs": {name: proof_of(part, Affine.unknown(name)).split("\n") for name in part.values},
            }
            for part in certificate.axes
        },
    }


def explain(p: "Parametrization", parameter: str, quantity: str) -> str:
    """Return the proof of one entry on every axis, then its restatement in the parametrization's gauge."""
    name, power = _entry(p, parameter, quantity)
    if quantity in p.prescribed:
        return f"{name}: {quantity} ~ {power}, prescribed and not derived\n"
    symbol, sign = ("m", -1) if name in p.multipliers else QUANTITIES[quantity]
    lines = [f"{name}: {quantity} ~ {power}", LEGEND]
    for part in p.certificate.axes:
        lines += _on_axis(part, f"{symbol}[{name}]", quantity, sign)
    if p.gauge != "no-multipliers" and name in p.entries:
        lines += [
            "",
            f"In the gauge {p.gauge} the multiplier is {p[name].multiplier}, hence {quantity} ~ {power}",
        ]
    held = Power({size: value for size, value in power.items if size not in p.axes})
    if held != Power.one():
        lines.append(f"The factor {held} of sizes that don't grow stands by convention.")
    return "\n".join(lines) + "\n"


def _on_axis(part: AxisCertificate, unknown: str, quantity: str, sign: int) -> list[str]:
    """Return the proof of one exponent on one axis."""
    gamma = part.axis == "gamma"
    value = part.values[unknown] * sign * (-1 if gamma else 1)
    proof = proof_of(part, Affine.unknown(unknown), short=True)
    where = f"Without multipliers, on the axis N = {'1/gamma' if gamma else part.axis}:"
    return ["", where, proof, f"hence {quantity} ~ {Power({part.axis: value})}"]


def _entry(p: "Parametrization", parameter: str, quantity: str) -> tuple[str, Power]:
    """Return the full name of an entry, which may be given without its .weight, and its power."""
    if quantity not in QUANTITIES:
        raise ScalingError(f"explain: quantity must be one of {', '.join(QUANTITIES)}; given {quantity!r}")
    if parameter in p.multipliers and quantity == "multiplier":
        return parameter, p.multipliers[parameter]
    name = (
        parameter
        if parameter in p.entries or f"{parameter}.weight" not in p.entries
        else f"{parameter}.weight"
    )
    power = getattr(p[name], quantity)
    if power is None:
        raise ScalingError(f"explain: {p.optimizers[name].name} must have {quantity}; it has none")
    return name, power
