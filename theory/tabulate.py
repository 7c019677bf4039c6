"""Write a caption, a head and rows of text as Markdown, LaTeX or HTML."""

from collections.abc import Sequence
from html import escape

Rows = Sequence[Sequence[str]]


def markdown(caption: str, head: Sequence[str], rows: Rows) -> str:
    """Return a Markdown table under its caption."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join([caption, "", *("| " + " | ".join(line) + " |" for line in lines)]) + "\n"


def latex(caption: str, head: Sequence[str], rows: Rows) -> str:
    r"""Return a LaTeX tabular with its caption as a comment; the first cell of a row is set as code."""
    body = [" & ".join([code(row[0]), *row[1:]]) + r" \\" for row in rows]
    lines = [
        f"% {caption}",
        rf"\begin{{tabular}}{{l{'c' * (len(head) - 1)}}}",
        r"\hline",
        " & ".join(head) + r" \\",
        r"\hline",
        *body,
        r"\hline",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def code(text: str) -> str:
    r"""Return a name in LaTeX's typewriter face."""
    return rf"\texttt{{{text.replace('_', chr(92) + '_')}}}"


def html(caption: str, head: Sequence[str], rows: Rows) -> str:
    """Return an HTML table; cells but the first may hold markup, the first is a name."""
    cells = "".join(f"<th>{title}</th>" for title in head)
    body = "\n".join(
        f"<tr><td><code>{escape(row[0])}</code></td>"
        + "".join(f"<td>{cell}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return f"<table>\n<caption>{escape(caption)}</caption>\n<tr>{cells}</tr>\n{body}\n</table>\n"
