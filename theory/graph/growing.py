"""Let a size that a builder takes as fixed grow with the width: a large vocabulary, many inputs."""

from collections.abc import Mapping

from scalewright.theory.errors import ArchitectureError, expect
from scalewright.theory.graph.architecture import Architecture
from scalewright.theory.power import Exponent, Power, exact


def grown(architecture: Architecture, sizes: Mapping[str, Exponent]) -> Architecture:
    """Return the network in which dimensions grow as powers of the width.

    A vocabulary as large as the width is `{"outputs": 1}`: $W_0$ of the readout is a square map then. Each of
    its rows is a share $n^{-1/2}$ of what moves the features, so it passes their change on like independent
    terms, $\\omega = 1/2$, and not coherently. Sizes are root mean squares over the outputs. Under
    cross-entropy the few outputs that are labels in the batch are an exception: their rows made the change,
    and their logits still move coherently, by $\\omega = 1$.

    Args:
        architecture: the graph of the network.
        sizes: by the dimension's name, the power of the width, at least 0; 0 makes it fixed.

    Raises:
        ArchitectureError: an unknown dimension, or a negative power.
        TypeError: a float.

    >>> from scalewright.theory import edges, mlp
    >>> str(edges(grown(mlp(4), {"outputs": 1}), "sp", "adam").bounded_logits)
    'n^-1'
    """
    expect(architecture, Architecture, "grown: architecture")
    expect(sizes, Mapping, "grown: sizes")
    known = dict(architecture.dimensions)
    for name, value in sizes.items():
        power = exact(value, f"grown: the power of {name!r}")
        if name not in known:
            raise ArchitectureError(f"grown: sizes must be among {', '.join(known)}; given {name!r}")
        if power < 0:
            raise ArchitectureError(f"grown: the power of {name!r} must be at least 0; given {power}")
        known[name] = Power({"width": power}) if power else Power({name: 1})
    return Architecture(architecture.nodes, known)
