"""The feature-learning strength gamma and the gamma-eta plane (Atanasov and others; arXiv 2410.04642)."""
