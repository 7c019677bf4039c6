"""What a coordinate check found: sizes by width, seed, step and layer, and their powers of the width."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from scalewright.nets.parametrize import NUMBER
from scalewright.sim import fit
from scalewright.sim.fit import Slope

#: The parts of a layer's update whose powers of the width are predicted.
PARTS = ("effective", "propagating", "total")


@dataclass(frozen=True)
class Unstable:
    """A run in which a number was not finite: at which step, and the first layer of the forward pass where.

    `layer` is "loss" where every layer of the probe is finite and only the loss of the batch is not.
    """

    width: int
    seed: int
    step: int
    layer: str


@dataclass(frozen=True)
class Row:
    """The measured power of the width of one part of one layer's update, and the predicted one."""

    layer: str
    part: str
    slope: Slope
    predicted: float | None = None


@dataclass(frozen=True)
class CoordinateCheck:
    """Sizes of every layer's updates over widths and seeds, made by `coordinate_check`.

    Attributes:
        data: variables (width, seed, step, layer): `effective`, `propagating`, `total`, `activation`,
            `input`, `input_change`, and where they were asked for `gradient` and the alignments. nan where a
            layer does not have the quantity, or the run was not stable any more.
        skipped: {module or parameter: why it was not measured}.
        unstable: the runs that met a number that is not finite.
        predicted: {parameter: an object with the attributes `effective`, `propagating`, `total`}, or empty.
        against: "initial" or "previous".
    """

    data: xr.Dataset
    skipped: Mapping[str, str]
    unstable: tuple[Unstable, ...]
    predicted: Mapping[str, Any] = field(default_factory=dict)
    against: str = "initial"

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the measured weights and biases, in the order of the model."""
        return tuple(str(name) for name in self.data.layer.values)

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps after which sizes were measured."""
        return tuple(int(step) for step in self.data.step.values)

    def values(self, layer: str, quantity: str, *, step: int | None = None) -> dict[int, np.ndarray]:
        """Return {width: the values of its stable seeds}; widths without one are left out.

        Raises:
            ValueError: an unknown layer, quantity or step.
        """
        step = self.steps[-1] if step is None else step
        for what, given, known in (
            ("layer", layer, self.layers),
            ("quantity", quantity, tuple(map(str, self.data.data_vars))),
            ("step", step, self.steps),
        ):
            if given not in known:
                raise ValueError(
                    f"CoordinateCheck: {what} must be one of {', '.join(map(str, known))}; given {given!r}"
                )
        chosen = self.data[quantity].sel(layer=layer, step=step).transpose("width", "seed")
        rows = {int(w): v[np.isfinite(v)] for w, v in zip(chosen.width.values, chosen.values, strict=True)}
        return {width: row for width, row in rows.items() if len(row)}

    def slope(self, layer: str, quantity: str, *, step: int | None = None) -> Slope:
        """Fit the power of the width of one quantity, with its 95 % interval over seeds.

        Raises:
            ValueError: fewer than two widths with two stable seeds each, or a quantity that is exactly zero.
        """
        rows = self._fitted(layer, quantity, step)
        return fit.slope(list(rows), list(rows.values()))

    def local_slopes(self, layer: str, quantity: str, *, step: int | None = None) -> dict[float, Slope]:
        """Return the slope between neighbouring widths, by their geometric mean: it moves where a law is not
        reached yet.

        Raises:
            ValueError: as `slope`.
        """
        rows = self._fitted(layer, quantity, step)
        widths = list(rows)
        return {
            math.sqrt(low * high): fit.slope([low, high], [rows[low], rows[high]])
            for low, high in itertools.pairwise(widths)
        }

    def rows(self, *, step: int | None = None) -> list[Row]:
        """Return the power of every part of every layer that has one, beside the prediction.

        A part that is exactly zero, such as the propagating update of a layer that reads the data, has no
        power and is left out.

        Raises:
            ValueError: fewer than two widths with two stable seeds each.
        """
        found = list(self._rows(step))
        if not found and self.layers:
            self.slope(self.layers[-1], PARTS[0], step=step)  # says what is missing
        return found

    def to_markdown(self, *, step: int | None = None) -> str:
        """Return a Markdown table: layer, part, measured power, interval, predicted power if there is any."""
        head = ["layer", "update", "power of the width", "95 %"] + ["predicted"] * bool(self.predicted)
        lines = [head, ["---"] * len(head)]
        for row in self._rows(step):
            slope = row.slope
            cells = [row.layer, row.part, f"{slope.value:.2f}", f"[{slope.low:.2f}, {slope.high:.2f}]"]
            expected = "" if row.predicted is None else f"{row.predicted:g}"
            lines.append(cells + [expected] * bool(self.predicted))
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def to_json(self, *, step: int | None = None) -> dict[str, Any]:
        """Return plain data: the rows, what was skipped, and the runs that were not stable."""
        return {
            "against": self.against,
            "step": self.steps[-1] if step is None else step,
            "widths": [int(width) for width in self.data.width.values],
            "rows": [
                {
                    "layer": row.layer,
                    "update": row.part,
                    "slope": row.slope.value,
                    "low": row.slope.low,
                    "high": row.slope.high,
                    "predicted": row.predicted,
                }
                for row in self._rows(step)
            ],
            "skipped": dict(self.skipped),
            "unstable": [vars(one) for one in self.unstable],
        }

    def _rows(self, step: int | None) -> Iterator[Row]:
        self._check_widths()
        for layer in self.layers:
            prediction = self.predicted.get(layer, self.predicted.get(NUMBER.sub(".", layer, count=1)))
            for part in PARTS:
                rows = self.values(layer, part, step=step).values()
                if sum((row > 0).sum() > 1 for row in rows) > 1:
                    expected = None if prediction is None else getattr(prediction, part)
                    yield Row(layer, part, self.slope(layer, part, step=step), expected)

    def _fitted(self, layer: str, quantity: str, step: int | None) -> dict[int, np.ndarray]:
        self._check_widths()
        found = self.values(layer, quantity, step=step)
        if found and not any((row > 0).any() for row in found.values()):
            raise ValueError(
                f"CoordinateCheck: {quantity} of {layer} is exactly zero and has no power of the width"
            )
        kept = {width: row[row > 0] for width, row in found.items() if (row > 0).sum() > 1}
        if len(kept) < 2:
            raise ValueError(
                "CoordinateCheck: a slope needs two widths with at least two stable seeds each; given "
                f"{len(kept)} for {quantity} of {layer}: give more seeds, or a smaller rate"
            )
        return kept

    def _check_widths(self) -> None:
        widths = self.data.width.values.tolist()
        if len(widths) < 2:
            raise ValueError(
                f"CoordinateCheck: one width has no slope; given {widths}: give coordinate_check at least two"
            )
