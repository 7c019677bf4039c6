"""The calculus of sizes: what each operation and each optimizer does to exponents."""
