"""Batch normalization without gradient explosion (Meterez, Joudaki, Orabona, Immer, Raetsch, Daneshmand; 2310.02012)."""
