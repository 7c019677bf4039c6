"""Tables and proofs in print: Markdown, LaTeX, HTML, JSON, and the explanation of one entry."""

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from scalewright.theory.desiderata.base import QUANTITIES
from scalewright.theory.errors import ScalingError
from scalewright.theory.power import SYMBOLS, Power
from scalewright.theory.solver.affine import Affine
from scalewright.theory.solver.certificate import Certificate
from scalewright.theory.solver.proofs import LEGEND, proof_of

if TYPE_CHECKING:
    from scalewright.theory.parametrization import Parametrization

TITLES = {
    "multiplier": "multiplier",
    "init_std": "initial std",
    "lr": "learning rate",
    "eps": "epsilon",
    "weight_decay": "weight decay",
}


def _columns(p: "Parametrization") -> list[str]:
    """Return the quantities that the optimizer has."""
    return [name for name in TITLES if any(getattr(s, name) is not None for s in p.entries.values())]


def _rows(
    p: "Parametrization", axes: tuple[str, ...] | None, write: Callable[[Power], str]
) -> list[list[str]]:
    shown = p.axes if axes is None else axes
    return [
        [name, *(write(getattr(scaling, column).only(shown)) for column in _columns(p))]
        for name, scaling in p.entries.items()
    ]


def _caption(p: "Parametrization") -> str:
    letters = ", ".join(f"{SYMBOLS.get(axis, axis)} = {axis}" for axis in p.axes)
    return f"{p.name}, {p.optimizer}, gauge {p.gauge}; {letters}"


def to_markdown(p: "Parametrization", axes: tuple[str, ...] | None = None) -> str:
    """Return a Markdown table; powers of sizes outside `axes` are left out."""
    head = ["parameter", *(TITLES[column] for column in _columns(p))]
    rows = [head, ["---"] * len(head), *_rows(p, axes, str)]
    return "\n".join([_caption(p), "", *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _latex(power: Power) -> str:
    return "$" + (" ".join(_latex_factor(name, str(value)) for name, value in power.items) or "1") + "$"


def _latex_factor(name: str, value: str) -> str:
    symbol = SYMBOLS.get(name, name)
    body = symbol if len(symbol) == 1 else (r"\gamma" if symbol == "gamma" else rf"\mathrm{{{symbol}}}")
    return body if value == "1" else f"{body}^{{{value}}}"


def to_latex(p: "Parametrization", axes: tuple[str, ...] | None = None) -> str:
    r"""Return a LaTeX tabular."""
    head = ["parameter", *(TITLES[column] for column in _columns(p))]
    rows = [[rf"\texttt{{{row[0].replace('_', chr(92) + '_')}}}", *row[1:]] for row in _rows(p, axes, _latex)]
    body = [" & ".join(row) + r" \\" for row in rows]
    return (
        "\n".join(
            [
                f"% {_caption(p)}",
                rf"\begin{{tabular}}{{l{'c' * (len(head) - 1)}}}",
                r"\hline",
                " & ".join(head) + r" \\",
                r"\hline",
                *body,
                r"\hline",
                r"\end{tabular}",
            ]
        )
        + "\n"
    )


def _html(power: Power) -> str:
    factors = (
        f"<i>{escape(SYMBOLS.get(n, n))}</i>" + ("" if v == 1 else f"<sup>{v}</sup>") for n, v in power.items
    )
    return " ".join(factors) or "1"


def to_html(p: "Parametrization", axes: tuple[str, ...] | None = None) -> str:
    """Return an HTML table."""
    head = "".join(
        f"<th>{title}</th>" for title in ["parameter", *(TITLES[column] for column in _columns(p))]
    )
    rows = "\n".join(
        f"<tr><td><code>{escape(row[0])}</code></td>"
        + "".join(f"<td>{cell}</td>" for cell in row[1:])
        + "</tr>"
        for row in _rows(p, axes, _html)
    )
    return f"<table>\n<caption>{escape(_caption(p))}</caption>\n<tr>{head}</tr>\n{rows}\n</table>\n"


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
        "prescribed": list(p.prescribed),
        "parameters": parameters,
        "certificate": certificate_json(p.certificate),
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
    power = _entry(p, parameter, quantity)
    if quantity in p.prescribed:
        return f"{parameter}: {quantity} ~ {power}, prescribed and not derived\n"
    symbol, sign = QUANTITIES[quantity]
    lines = [f"{parameter}: {quantity} ~ {power}", LEGEND]
    for part in p.certificate.axes:
        name = f"{symbol}[{parameter}]"
        value = sign * part.values[name]
        lines += [
            "",
            f"Without multipliers, on the axis N = {part.axis}:",
            proof_of(part, Affine.unknown(name), short=True),
        ]
        lines.append(f"hence {quantity} ~ {Power({part.axis: value})}")
    if p.gauge != "no-multipliers":
        multiplier = p[parameter].multiplier
        lines += ["", f"In the gauge {p.gauge} the multiplier is {multiplier}, hence {quantity} ~ {power}"]
    conventions = Power({name: value for name, value in power.items if name not in p.axes})
    if conventions != Power.one():
        lines.append(f"The factor {conventions} of sizes that don't grow stands by convention.")
    return "\n".join(lines) + "\n"


def _entry(p: "Parametrization", parameter: str, quantity: str) -> Power:
    if quantity not in QUANTITIES:
        raise ScalingError(f"explain: quantity must be one of {', '.join(QUANTITIES)}; given {quantity!r}")
    power = getattr(p[parameter], quantity)
    if power is None:
        raise ScalingError(f"explain: {p.optimizer} must have {quantity}; it has none")
    return power
