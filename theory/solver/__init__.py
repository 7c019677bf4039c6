"""Exact answers with proofs: affine forms and maxima, linear programs, cases, certificates."""
