"""Large learning rates under standard width scaling (Haas and others; arXiv 2505.22491)."""
