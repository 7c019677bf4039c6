"""The curvature of a loss as linear operators, and what can be measured of them with a proof of accuracy."""
