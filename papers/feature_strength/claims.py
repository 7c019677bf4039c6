"""The claims of the paper that the toys and the networks can judge, and what goes beyond it."""

from scalewright.papers.feature_strength.network_claims import NETWORK_CLAIMS

PAPER = "feature-strength"

CLAIMS = (*NETWORK_CLAIMS,)
