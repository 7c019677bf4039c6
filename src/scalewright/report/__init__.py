"""The self-contained HTML page that every command's report is made of."""

from scalewright.report.page import Figure, Page, Proof, Section, Table, render, verdict_table

__all__ = ["Figure", "Page", "Proof", "Section", "Table", "render", "verdict_table"]
