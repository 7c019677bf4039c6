"""Small transformers on a real text: grids of rates under SGD and Adam, norms with fixed or trainable
gains."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache, partial

import numpy as np
import torch
import xarray as xr

from scalewright import nets
from scalewright.nets.data import TensorData
from scalewright.nets.descent import Descent
from scalewright.nets.feeds import Feed
from scalewright.nets.parametrize import NUMBER
from scalewright.papers.large_learning_rates.settings import Scale
from scalewright.sim import text
from scalewright.sim.dataset import dataset
from scalewright.theory import Parametrization, edges, gpt, named

Progress = Callable[[int, int], None] | None
BLOCKS, CONTEXT, BATCH, HELD = 2, 32, 16, 64
#: Middle of the grid at width 32, near the best of wider grids, for so many steps; shorter runs take more.
MIDDLE, MIDDLE_STEPS = {"sgd": 0.4, "adam": 1.2e-2}, 150
SETTINGS = nets.Settings(betas=(0.9, 0.95), eps=1e-12)


class Windows(Feed):
    """Batches of windows of a text, the same for every member; those that are held out are its evaluation."""

    def __init__(self, steps: int, *, seed: int = 0, evaluation: TensorData | None = None) -> None:
        """Draw the places of all windows."""
        self.steps, self.seed = steps, seed
        inputs, targets = text.windows(HELD + BATCH * steps, CONTEXT, seed=seed)
        self._inputs, self._targets = torch.from_numpy(inputs), torch.from_numpy(targets)
        self.evaluation = evaluation or TensorData(self._inputs[:HELD], self._targets[:HELD], "text")

    def batch(self, step: int) -> TensorData:
        """Return the windows of a step; after the last one, the first again, whose gradient is not used."""
        rows = slice(HELD + BATCH * (step % self.steps), HELD + BATCH * (step % self.steps + 1))
        there = self.evaluation.inputs.device
        return TensorData(self._inputs[rows].to(there), self._targets[rows].to(there), "text", checked=True)

    def to(self, dtype: torch.dtype, device: torch.device) -> "Windows":
        """Return the feed on a device."""
        return Windows(self.steps, seed=self.seed, evaluation=self.evaluation.to(dtype, device))


class Decaying(Descent):
    """Descent at rates that fall linearly to 0 with the steps, as language models are trained.

    At a constant rate a short run is judged while its logits still overshoot: the best rate then follows the
    edge of bounded logits and not that of features.
    """

    def _step(self, step: int) -> None:
        if step == 0:
            self._base = self.ensemble.lr
        self.ensemble.lr = self._base * (1 - step / self.steps)
        super()._step(step)


def sweep(
    scale: Scale, optimizer: str, gains: str, *, device: str = "auto", progress: Progress = None
) -> xr.Dataset:
    """Train transformers of every width at every rate and seed on the same windows.

    Two blocks with norms first, queries and keys normalised, heads of 16; all weights, embeddings too, start
    with a deviation of n^-1/2 as in GPT-NeoX; one global rate.

    Returns:
        A dataset (width, seed, lr): `loss` on held-out windows at the end, `initial_loss`, `diverged_at`, and
        `rate` (width, lr).
    """
    rows, grids = [], []
    feed = Windows(scale.gpt_steps)
    for done, width in enumerate(scale.gpt_widths):
        steps = np.arange(scale.gpt_rates) - (scale.gpt_rates - 1) / 2
        middle = MIDDLE[optimizer] * (MIDDLE_STEPS / scale.gpt_steps) ** 0.5
        grid = middle * (width / 32) ** float(derived_edge(optimizer)) * np.sqrt(2.0) ** steps
        grids.append(grid)
        rows.append(_trained(scale, optimizer, gains, width, feed, grid, device))
        if progress:
            progress(done + 1, len(scale.gpt_widths))
    joined = xr.concat(rows, dim="width", combine_attrs="drop_conflicts")
    return joined.assign_coords(width=list(scale.gpt_widths), rate=(("width", "lr"), np.stack(grids)))


@cache
def derived_edge(optimizer: str) -> Fraction:
    """Return the power of the width in the largest rate with bounded features under SP, from its proof."""
    return edges(gpt(), "sp", optimizer).feature_learning.exponent("width")


def _trained(
    scale: Scale, optimizer: str, gains: str, width: int, feed: Feed, grid: np.ndarray, device: str
) -> xr.Dataset:
    seeds = range(scale.gpt_seeds)
    members = networks(optimizer, gains, width, seeds=seeds, lrs=grid, device=device)
    run = Decaying(
        members,
        feed,
        steps=scale.gpt_steps,
        loss="cross-entropy",
        recorded=[0, scale.gpt_steps],
        settings=SETTINGS,
    )
    losses = run.run().values["loss"].reshape(len(seeds), len(grid), 2)
    variables = {
        "loss": (("seed", "lr"), losses[..., 1]),
        "initial_loss": (("seed", "lr"), losses[..., 0]),
        "diverged_at": (("seed", "lr"), members.diverged_at.numpy().reshape(len(seeds), len(grid))),
    }
    attrs = {"optimizer": optimizer, "gains": gains, "steps": scale.gpt_steps, "text_sha256": text.sha256()}
    return dataset(variables, {"seed": list(seeds), "lr": np.arange(len(grid))}, attrs)


def networks(
    optimizer: str,
    gains: str,
    width: int,
    *,
    seeds: Sequence[int],
    lrs: Sequence[float] | np.ndarray,
    device: str,
) -> nets.Ensemble:
    """Stack transformers of one width, seeds times rates, in float32."""
    build = partial(nets.models.gpt, BLOCKS, qk_norm=True, gains=gains == "trainable")
    model = build(width=width, inputs=CONTEXT, outputs=text.VOCABULARY)
    # As in GPT-NeoX: sqrt(2 / (5 n)) for embeddings too, which otherwise have deviation 1.
    small = dict.fromkeys(("embedding.weight", "positions.weight"), float(np.sqrt(0.4 / width)))
    return nets.Ensemble.of(
        build,
        rule_of(model, optimizer),
        width=width,
        inputs=CONTEXT,
        outputs=text.VOCABULARY,
        seeds=seeds,
        lrs=list(lrs),
        gain=model.gains() | small,
        dtype=torch.float32,
        device=device,
    )


def rule_of(model: "nets.models.GPT", optimizer: str) -> Parametrization:
    """Return SP with one global rate for the parameters that the model has: norms may lack their gains."""
    rule = named(gpt(), "sp", optimizer).with_lr({"width": 0})
    known = {NUMBER.sub(".", name, count=1) for name, _ in model.named_parameters()}
    return replace(rule, entries={name: entry for name, entry in rule.entries.items() if name in known})
