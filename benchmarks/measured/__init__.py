"""Small networks written out in torch, and the exponents that are measured on them."""
