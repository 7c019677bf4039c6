"""Train one architecture over the plane of feature-learning strength and learning rate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import numpy as np
import torch
import xarray as xr

from scalewright.nets.ensemble import Ensemble, Member
from scalewright.nets.feeds import as_feed
from scalewright.nets.optimizers import Settings
from scalewright.nets.parametrize import Build
from scalewright.nets.precision import Precision, check_precision, precision_of
from scalewright.nets.sharpness import measure
from scalewright.nets.until import Ended, Progress, until
from scalewright.sim.dataset import dataset
from scalewright.theory.parametrization import Parametrization

#: The data of a block of networks from their seeds, one a member: a pair, or a feed of their own batches.
DataOf = Callable[[Sequence[int]], Any]


@dataclass(frozen=True)
class Cells:
    """Which cells of the plane are trained.

    Attributes:
        gammas: feature-learning strengths, increasing. etas: learning rates, increasing.
        seeds: of the initial weights; every cell has a network for each.
        chosen: truth values (gammas, etas).

    Raises:
        ValueError: an axis that is empty, not positive or not increasing, or cells of another shape.
    """

    gammas: tuple[float, ...]
    etas: tuple[float, ...]
    seeds: tuple[int, ...]
    chosen: np.ndarray

    def __post_init__(self) -> None:
        for name, values in (("gammas", self.gammas), ("etas", self.etas)):
            array = np.asarray(values, dtype=float)
            fine = len(array) and (np.isfinite(array) & (array > 0)).all() and (np.diff(array) > 0).all()
            if not fine:
                raise ValueError(f"Cells: {name} must be positive, finite and increasing; given {values}")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"Cells: seeds must hold at least one, and each once; given {self.seeds}")
        if self.chosen.shape != (len(self.gammas), len(self.etas)) or not self.chosen.any():
            raise ValueError(
                f"Cells: chosen must mark at least one of {len(self.gammas)} x {len(self.etas)} cells; given "
                f"{int(self.chosen.sum())} of shape {self.chosen.shape}"
            )

    @classmethod
    def between(
        cls,
        gammas: Sequence[float],
        etas: Sequence[float],
        seeds: Sequence[int],
        *,
        low: Callable[[np.ndarray], np.ndarray] = np.zeros_like,
        high: Callable[[np.ndarray], np.ndarray] = lambda gammas: np.full_like(gammas, np.inf),
    ) -> "Cells":
        """Choose the cells with low(gamma) <= eta <= high(gamma), to a rounding error; all by default."""
        columns, rows = np.asarray(gammas, dtype=float)[:, None], np.asarray(etas, dtype=float)
        slack = 1 + 1e-9
        chosen = (rows >= low(columns) / slack) & (rows <= high(columns) * slack)
        return cls(tuple(columns[:, 0].tolist()), tuple(rows.tolist()), tuple(seeds), chosen)

    @property
    def places(self) -> list[tuple[int, int, int]]:
        """Indices (gamma, eta, seed) of the networks, those of one gamma together."""
        return [
            (int(i), int(j), k)
            for i, j in zip(*np.nonzero(self.chosen), strict=True)
            for k in range(len(self.seeds))
        ]


def train(
    build: Build,
    parametrization: Parametrization,
    cells: Cells,
    data: Any | DataOf,
    *,
    width: int,
    inputs: int,
    outputs: int,
    steps: int,
    level: float = 0.0,
    recorded: Sequence[int] = (),
    quantities: Sequence[str] = (),
    loss: str = "mse",
    divergence: float = 1e6,
    settings: Settings | None = None,
    compiled: bool = False,
    block: int = 64,
    dtype: Precision | Literal["auto"] = "auto",
    device: str | torch.device = "auto",
    tolerance: float = 1e-3,
    budget: int = 200,
    progress: Progress | None = None,
) -> xr.Dataset:
    r"""Train a centred network in every chosen cell until it has learnt, diverged or made all steps.

    $f = (F_\theta - F_{\theta_0})/\gamma$ with F the network under the parametrization at gamma = 1, in the
    gauge of unit-variance weights; eta is what multiplies their gradient, over the width. In the base rate
    eta_0 of this package eta = gamma^2 eta_0 under SGD, and gamma eta_0 under Adam.

    Args:
        build, parametrization, width, inputs, outputs: as in `Ensemble.stack`.
        data: a pair or a feed for everyone, or a function that makes them from the seeds of a block's
            networks, one a network.
        steps, level, recorded, loss, divergence, settings, compiled: as in `until`.
        quantities: eigenvalues of `measure` at the end of each network, such as "gauss_newton"; nan where it
            diverged.
        block: networks in one program.
        dtype: "auto": float64 where gamma < 1e-2, float32 elsewhere; or one of them.
        tolerance, budget: of the eigenvalues.
        progress: called as progress(networks that have ended, all).

    Returns:
        A trajectory with dimensions (gamma, eta, seed): `loss`, at the recorded steps with "step" besides,
        and where none is asked for the last that was seen; `peak_loss`, the largest over the first;
        `reached_at`, `diverged_at`, -2 in cells that
        were not chosen; and the quantities.

    Raises:
        ValueError: float32 at a gamma where centring cancels; as `until` and `Ensemble.stack`.
    """
    _check(cells, block, dtype)
    sizes = {"width": width, "inputs": inputs, "outputs": outputs}
    stack = partial(_ensemble, build, parametrization, cells, sizes=sizes, device=device)
    rules: dict[str, Any] = {"steps": steps, "level": level, "recorded": recorded, "loss": loss}
    rules |= {"divergence": divergence, "settings": settings, "compiled": compiled}
    table = _Table(cells, tuple(sorted({int(step) for step in recorded})), tuple(quantities))
    done = 0
    for places in _blocks(cells, block, dtype):
        ensemble = stack(places, precision=_precision(cells, places[0], dtype))
        used = data([cells.seeds[k] for _, _, k in places]) if callable(data) else data
        table.write(places, until(ensemble, used, **rules))
        if quantities:
            table.measure(places, ensemble, used, loss, tolerance, budget)
        done += len(places)
        if progress is not None:
            progress(done, len(cells.places))
    attrs = {**ensemble.attrs, "optimizer": ensemble.optimizer, "loss": loss, "dtype": dtype}
    return table.dataset(attrs | {"steps": steps, "level": level, "divergence": divergence})


def _check(cells: Cells, block: int, dtype: str) -> None:
    """Refuse a precision that is unknown or too small for a gamma, and empty blocks."""
    if dtype not in ("auto", *get_args(Precision)):
        raise ValueError(f"plane.train: dtype must be 'auto', 'float32' or 'float64'; given {dtype!r}")
    if block < 1:
        raise ValueError(f"plane.train: block must be at least 1; given {block!r}")
    for gamma in cells.gammas:
        check_precision("plane.train", gamma, dtype, centred=True)


def _precision(cells: Cells, place: tuple[int, int, int], dtype: str) -> str:
    """Return in which precision a network is trained."""
    return precision_of(cells.gammas[place[0]]) if dtype == "auto" else dtype


def _blocks(cells: Cells, block: int, dtype: str) -> list[list[tuple[int, int, int]]]:
    """Return the networks in blocks of one precision."""
    blocks: list[list[tuple[int, int, int]]] = []
    kinds: dict[str, list[tuple[int, int, int]]] = {}
    for place in cells.places:
        kinds.setdefault(_precision(cells, place, dtype), []).append(place)
    for places in kinds.values():
        blocks += [places[start : start + block] for start in range(0, len(places), block)]
    return blocks


def _ensemble(
    build: Build,
    parametrization: Parametrization,
    cells: Cells,
    places: Sequence[tuple[int, int, int]],
    *,
    precision: str,
    sizes: dict[str, int],
    device: str | torch.device,
) -> Ensemble:
    """Return the networks of one block, each at the base rate that gives its eta."""
    rates = {i: _rate_over_base(parametrization, cells.gammas[i], sizes) for i in {i for i, _, _ in places}}
    members = [Member(cells.seeds[k], cells.etas[j] / rates[i], cells.gammas[i]) for i, j, k in places]
    return Ensemble.stack(
        build,
        parametrization,
        members,
        **sizes,
        dtype=getattr(torch, precision),
        device=device,
        centred=True,
    )


def _rate_over_base(parametrization: Parametrization, gamma: float, sizes: dict[str, int]) -> float:
    """Return by what the parametrization multiplies the base rate at gamma, over what it does at 1."""
    given = {name: size for name, size in sizes.items() if name in parametrization.sizes}
    first = next(iter(parametrization.entries))
    here, one = (parametrization.at(**given, gamma=strength)[first].lr for strength in (gamma, 1.0))
    return here / one


class _Table:
    """The arrays of a plane, nan and -2 where nothing was trained."""

    def __init__(self, cells: Cells, steps: tuple[int, ...], quantities: tuple[str, ...]) -> None:
        self.cells, self.steps = cells, steps
        shape = (len(cells.gammas), len(cells.etas), len(cells.seeds))
        self.loss = np.full((*shape, len(steps)) if steps else shape, np.nan)
        self.ends = {name: np.full(shape, -2, dtype=np.int64) for name in ("reached_at", "diverged_at")}
        self.spectra = {
            f"{name}{end}": np.full(shape, np.nan) for name in quantities for end in ("", "_error")
        }
        self.peak = np.full(shape, np.nan)
        self.quantities, self.missed = quantities, 0

    def write(self, places: Sequence[tuple[int, int, int]], found: Ended) -> None:
        """Write how a block ended."""
        index = tuple(np.array(places).T)
        self.loss[index] = found.losses if self.steps else found.last
        self.peak[index] = found.peak
        self.ends["reached_at"][index], self.ends["diverged_at"][index] = found.reached_at, found.diverged_at

    def measure(
        self,
        places: Sequence[tuple[int, int, int]],
        ensemble: Ensemble,
        data: Any,
        loss: str,
        tolerance: float,
        budget: int,
    ) -> None:
        """Measure the eigenvalues of those that did not diverge."""
        fine = np.flatnonzero(ensemble.diverged_at.numpy() < 0)
        if not len(fine):
            return
        part = ensemble.select(fine.tolist())
        index = tuple(np.array(places)[fine].T)
        seen = as_feed(data).to(ensemble.dtype, ensemble.device).evaluation
        own = seen.select(torch.from_numpy(fine).to(ensemble.device))
        found = measure(part, own, loss, self.quantities, tolerance=tolerance, budget=budget)
        for name, pairs in found.items():
            self.spectra[name][index] = pairs.values[:, 0]
            self.spectra[f"{name}_error"][index] = pairs.residuals[:, 0] * np.abs(pairs.values[:, 0])
            self.missed += int((~pairs.converged).sum())

    def dataset(self, attrs: dict[str, Any]) -> xr.Dataset:
        """Return the trajectory."""
        axes = ("gamma", "eta", "seed")
        variables: dict[str, Any] = {"loss": ((*axes, "step") if self.steps else axes, self.loss)}
        variables["peak_loss"] = (axes, self.peak)
        variables |= {name: (axes, values) for name, values in {**self.ends, **self.spectra}.items()}
        coords = {
            "gamma": np.array(self.cells.gammas),
            "eta": np.array(self.cells.etas),
            "seed": np.array(self.cells.seeds),
            **({"step": np.array(self.steps)} if self.steps else {}),
        }
        return dataset(variables, coords, {**attrs, "unconverged": self.missed})
