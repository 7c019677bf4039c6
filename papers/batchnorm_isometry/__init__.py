"""Batch normalization without gradient explosion (Meterez, Joudaki and others; arXiv 2310.02012)."""
