"""The refined coordinate check: how far each layer's own update, and the update of what it reads, move it."""
