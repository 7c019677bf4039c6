"""The gamma-eta plane, integrated."""
