"""The claims of the paper: those of theory and toys, and those of trained networks."""

from scalewright.papers.large_learning_rates import network_claims, toy_claims

CLAIMS = (*toy_claims.CLAIMS, *network_claims.CLAIMS)
