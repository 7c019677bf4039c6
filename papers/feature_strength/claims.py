"""The claims of the paper that the toys and the networks can judge, and what goes beyond it."""

from scalewright.papers.feature_strength import toy_claims
from scalewright.papers.feature_strength.network_claims import NETWORK_CLAIMS

PAPER = "feature-strength"

CLAIMS = (*toy_claims.CLAIMS, *NETWORK_CLAIMS)
