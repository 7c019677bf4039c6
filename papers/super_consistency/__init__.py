"""Super Consistency and learning-rate transfer (Noci, Meterez, Hofmann, Orvieto; arXiv 2402.17457)."""
