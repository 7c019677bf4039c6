"""The claims of the paper, those about networks beside those of theory and toys."""

from scalewright.papers.claim import Claim

PAPER = "large-learning-rates"

CLAIMS: tuple[Claim, ...] = ()
