"""Follow a chain of batch-normalised layers at initialisation: isometry, row norms and gradients by depth."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from scalewright.sim.dataset import dataset
from scalewright.sim.isometry.gap import isometry_gap, ranks, spectral_variance
from scalewright.sim.isometry.network import Layer, Network
from scalewright.sim.isometry.start import starts
from scalewright.sim.isometry.weights import gaussian, generators

Progress = Callable[[int, int], None]

#: Bytes of weights and representations that are kept for the way back; seeds are taken in blocks of that
#: size.
KEPT = 2**28
#: What is recorded at every layer.
ROWS = ("log_row_norms", "log_least_row", "log_size")
GRADIENTS = ("log_gradient", "log_input_gradient")


def chain(
    network: Network,
    *,
    depth: int,
    start: Any = "gaussian",
    seeds: Sequence[int] = (0,),
    observe_at: Iterable[int] | None = None,
    gradients: bool = True,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Draw networks, run them forward, and one random gradient of norm 1 back: everything by layer.

    Entry l of `layer` is after layer l; entry 0 is the input. With $z_j$ the rows of $W_l X_{l-1}$ and
    $q_j = |z_j|^2 d / \sum_i |z_i|^2$:

    - `isometry_gap`: phi(X_l), of the m largest singular values, m the rank that the network allows;
    - `rank`: of X_l, to rounding; `spectral_variance`: of the eigenvalues of X_l X_l^T;
    - `log_row_norms`: $\frac1d \sum_j \log q_j \le 0$, and `log_least_row`: $\log \min_j q_j$, of layer l.
    For
      orthogonal weights, no activation and m = d the first is phi(X_l) - phi(X_{l-1}) exactly;
    - `log_size`: log root mean square of the entries of X_l;
    - `log_gradient`: $\log |\partial L / \partial W_l|_F$, `log_input_gradient`: $\log |\partial L / \partial
      X_l|_F$, for a loss whose gradient in X_depth is isotropic of norm 1.

    Gradients are renormalised at every layer and their norms kept as logarithms: nothing overflows at any
    depth. All is float64.

    Args:
        network: the sizes and the law of the weights.
        depth: number of layers, >= 1.
        start: the input X_0. "gaussian" draws independent N(0, 1) entries, a sequence of m numbers is a
            spectrum (eigenvalues of X_0 X_0^T; the singular vectors are Haar), and a matrix (d, n), or one a
            seed (seeds, d, n), is taken as it is.
        seeds: one network and one input a seed.
        observe_at: layers at which gap and rank are computed (one decomposition each); None takes all.
        gradients: go back as well.
        progress: called with (layers done, layers in all) of the way forward.

    Returns:
        A trajectory with dimensions (seed, layer). The attribute `status` says in words whether the input was
        degenerate (its rank, phi infinite), and where a rank was lost on the way, with what to do.

    Raises:
        ValueError: a depth, start, seed or layer that cannot be used; a row of W X that is zero.

    Cost: depth QR decompositions of d x d a seed (0.3 to 0.5 ms at d = 64), and a singular value
    decomposition at each observed layer. Memory: depth (d^2 + 3 d n) numbers a seed for the way back, in
    blocks
    of seeds of 256 MiB.

    Example:
        >>> path = chain(Network(16, 16), depth=200, start=[2.0] * 8 + [0.5] * 8)
        >>> bool(path.isometry_gap[0, 0] > 0.1), bool(path.isometry_gap[0, -1] < 1e-6)
        (True, True)
    """
    observed = _check(depth, seeds, observe_at)
    gains = network.gains(depth)
    record = _Record(network, depth, observed, len(seeds), gradients)
    given = starts(network, start, seeds)
    size = _block(network, depth) if gradients else len(seeds)
    for first in range(0, len(seeds), size):
        part = slice(first, first + size)
        layers = _forward(network, gains, generators(seeds[part]), given[part], record, part)
        kept = []
        for done, layer in enumerate(layers, start=1):
            if gradients:
                kept.append(layer)
            if progress:
                progress(first * depth + done * len(given[part]), depth * len(seeds))
        if gradients:
            _back(kept, seeds[part], record, part)
    return record.dataset(seeds)


@dataclass
class _Record:
    """What a run writes down."""

    network: Network
    depth: int
    observed: frozenset[int]
    seeds: int
    gradients: bool
    values: dict[str, np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        names = ("isometry_gap", "spectral_variance", *ROWS, *(GRADIENTS if self.gradients else ()))
        shape = (self.seeds, self.depth + 1)
        self.values = {name: np.full(shape, np.nan) for name in names} | {"rank": np.full(shape, -1)}

    def observe(self, layer: int, part: slice, representations: np.ndarray) -> None:
        """Note gap and rank of X (seeds, d, n) after a layer."""
        if layer not in self.observed:
            return
        centred = self.network.centred and layer == 0
        values = representations - representations.mean(-1, keepdims=True) if centred else representations
        self.values["isometry_gap"][part, layer] = isometry_gap(values, count=self._count)
        self.values["rank"][part, layer] = ranks(values)
        self.values["spectral_variance"][part, layer] = spectral_variance(values)

    @property
    def _count(self) -> int | None:
        """With centred rows and no activation X has rank n - 1 at most: the gap is that of the rest."""
        return self.network.full_rank if self.network.centred and self.network.is_linear else None

    def dataset(self, seeds: Sequence[int]) -> xr.Dataset:
        """Return the trajectory."""
        variables = {name: (("seed", "layer"), values) for name, values in self.values.items()}
        coords = {"seed": np.asarray(seeds), "layer": np.arange(self.depth + 1)}
        network = self.network
        attrs = {
            "width": network.width,
            "samples": network.samples,
            "weights": network.weights,
            "activation": network.activation if isinstance(network.activation, str) else "given",
            "centred": int(network.centred),
            "rows": network.rows,
            "gain": np.asarray(network.gain, dtype=float),
            "status": self.status(seeds),
            "made_by": "sim.isometry",
        }
        return dataset(variables, coords, attrs)

    def status(self, seeds: Sequence[int]) -> str:
        """Say whether the ranks were full throughout, and what to do where they were not."""
        full = self._count or min(self.network.width, self.network.samples)
        layers = sorted(self.observed)
        found = self.values["rank"][:, layers]
        if not layers or (found >= full).all():
            return "complete"
        seed, place = (int(i) for i in np.argwhere(found < full)[0])
        rank = int(found[seed, place])
        if place == 0 and layers[0] == 0:
            return (
                f"degenerate input: seed {int(seeds[seed])} has rank {rank} of {full}, and its "
                f"isometry gap is "
                f"infinite; give {full} linearly independent rows or samples, or read its gradients by rank"
            )
        return (
            f"rank lost to rounding: {rank} of {full} at layer {layers[place]} of seed "
            f"{int(seeds[seed])}, where "
            "the gap is set to infinity; gradients and row norms go on"
        )


def _forward(
    network: Network,
    gains: np.ndarray,
    streams: Sequence[np.random.Generator],
    inputs: np.ndarray,
    record: _Record,
    part: slice,
) -> Iterator[Layer]:
    """Run layer after layer, noting gap, rank and rows."""
    representations = inputs
    record.observe(0, part, representations)
    record.values["log_size"][part, 0] = _log_size(representations)
    for index, gain in enumerate(gains, start=1):
        layer = network.layer(streams, representations, float(gain))
        if not (layer.squares > 0).all():
            raise ValueError(
                f"isometry.chain: a row of W X is zero at layer {index}, and can't be normalised; "
                f"give an input "
                "that is not zero" + (", and not the same in every sample" if network.centred else "")
            )
        rows = layer.log_row_norms
        record.values["log_row_norms"][part, index] = rows.mean(-1)
        record.values["log_least_row"][part, index] = rows.min(-1)
        representations = layer.outputs
        record.values["log_size"][part, index] = _log_size(representations)
        record.observe(index, part, representations)
        yield layer


def _back(layers: Sequence[Layer], seeds: Sequence[int], record: _Record, part: slice) -> None:
    """Pull a random gradient of norm 1 back through the layers, renormalised at each."""
    streams = [np.random.default_rng(np.random.SeedSequence([int(seed), 0xBAC])) for seed in seeds]
    gradients = gaussian(streams, *layers[-1].outputs.shape[1:])
    total = np.zeros(len(gradients))
    gradients = _normalised(gradients)[0]
    record.values["log_input_gradient"][part, len(layers)] = total
    for index in range(len(layers), 0, -1):
        layer = layers[index - 1]
        pulled = layer.pull(gradients)
        in_weights = np.linalg.norm(pulled @ layer.inputs.swapaxes(-1, -2), axis=(-2, -1))
        gradients, norms = _normalised(layer.weights.swapaxes(-1, -2) @ pulled)
        with np.errstate(divide="ignore"):
            record.values["log_gradient"][part, index] = total + np.log(in_weights)
            total = total + np.log(norms)
        record.values["log_input_gradient"][part, index - 1] = total


def _log_size(representations: np.ndarray) -> np.ndarray:
    """Return the log root mean square of the entries."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log((representations**2).mean((-2, -1))) / 2)


def _normalised(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Divide each matrix by its Frobenius norm, and return the norms; a zero matrix stays zero."""
    norms = np.linalg.norm(matrices, axis=(-2, -1))
    return matrices / np.where(norms > 0, norms, 1.0)[..., None, None], norms


def _block(network: Network, depth: int) -> int:
    """Number of seeds whose layers fit into `KEPT` bytes, at least one."""
    numbers = depth * network.width * (network.width + 4 * network.samples)
    return max(1, KEPT // (8 * numbers))


def _check(depth: int, seeds: Sequence[int], observe_at: Iterable[int] | None) -> frozenset[int]:
    if isinstance(depth, bool) or not isinstance(depth, int | np.integer) or depth < 1:
        raise ValueError(f"isometry.chain: depth must be an integer of at least 1; given {depth!r}")
    if not len(seeds) or any(not isinstance(s, int | np.integer) or s < 0 for s in seeds):
        raise ValueError(f"isometry.chain: seeds must be non-negative integers; given {list(seeds)}")
    observed = frozenset(range(depth + 1)) if observe_at is None else frozenset(observe_at)
    outside = [at for at in observed if not isinstance(at, int | np.integer) or not 0 <= at <= depth]
    if outside:
        raise ValueError(
            f"isometry.chain: observe_at must hold layers between 0 and depth = {depth}; given {outside[0]}"
        )
    return observed
