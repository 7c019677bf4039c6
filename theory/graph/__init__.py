"""Networks as graphs: nodes, the checks they pass, the file they are stored in, and builders by name."""
