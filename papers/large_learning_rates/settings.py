"""What the experiments train: widths, seeds, steps and grids of rates at each scale."""

from dataclasses import dataclass, replace

from scalewright.papers.large_learning_rates import task


@dataclass(frozen=True)
class Scale:
    """Sizes of one run.

    Attributes:
        data: "generated", or "fashion-mnist" where that is installed.
        samples: how many train, and how many are held out.
        layers: weight layers of the deep perceptrons; batch: samples a step.
        check_widths, check_seeds, check_steps: of the coordinate checks, `few_seeds` where bands are wider;
            `adam_seeds` under Adam, whose updates do not depend on how wrong a network happens to be at
            initialisation. `gap_widths`: of two layers, whose readout forgets its initial weights slowly.
        edge_widths, edge_seeds, edge_steps: of the grids of rates; `edge_seeds` at width 256, at width n
            (256 / n)^1/2 times as many, `wide_seeds` at least. `per_octave`: rates an octave at most.
        deepest, deep_widths: weight layers and widths of the deepest perceptrons.
        batches, batch_widths, batch_samples: sizes of the batches that are compared, the last one all
            samples.
        gpt_widths, gpt_seeds, gpt_steps, gpt_rates: of the transformers; `gpt_gains` says whether their norms
            have trainable gains, one after the other.
        toy_seeds: initial draws of the two-layer linear network at every width.
    """

    name: str
    data: str
    samples: int
    check_widths: tuple[int, ...]
    check_seeds: int
    few_seeds: int
    adam_seeds: int
    gap_widths: tuple[int, ...]
    edge_widths: tuple[int, ...]
    edge_seeds: int
    wide_seeds: int
    edge_steps: int
    per_octave: int
    deep_widths: tuple[int, ...]
    batch_widths: tuple[int, ...]
    gpt_widths: tuple[int, ...]
    gpt_seeds: int
    gpt_steps: int
    gpt_rates: int
    gpt_gains: tuple[str, ...] = ("fixed",)
    batches: tuple[int, ...] = (8, 64, 128)
    batch_samples: int = 128
    layers: int = 4
    deepest: int = 8
    batch: int = 64
    check_steps: int = 4
    toy_seeds: int = 24

    def seeds_at(self, width: int) -> int:
        """Return the number of networks a rate at a width of the grids."""
        return max(self.wide_seeds, round(self.edge_seeds * (256 / width) ** 0.5))


SMOKE = Scale(
    name="smoke",
    data="generated",
    samples=1024,
    check_widths=(64, 128, 256),
    check_seeds=12,
    few_seeds=8,
    adam_seeds=8,
    gap_widths=(1024, 2048, 4096),
    edge_widths=(64, 256),
    edge_seeds=3,
    wide_seeds=3,
    edge_steps=40,
    per_octave=2,
    deep_widths=(32, 128),
    batch_widths=(128, 256),
    gpt_widths=(16, 32),
    gpt_seeds=2,
    gpt_steps=24,
    gpt_rates=7,
    toy_seeds=12,
)
STANDARD = replace(
    SMOKE,
    name="standard",
    toy_seeds=48,
    data="auto",
    samples=2048,
    check_widths=(64, 128, 256, 512, 1024),
    check_seeds=64,
    few_seeds=32,
    adam_seeds=24,
    gap_widths=(1024, 2048, 4096, 8192),
    edge_widths=(64, 128, 256, 512, 1024),
    edge_seeds=8,
    wide_seeds=5,
    edge_steps=60,
    per_octave=4,
    deep_widths=(64, 128, 256),
    batch_widths=(64, 128, 256, 512),
    gpt_widths=(32, 64, 128),
    gpt_seeds=3,
    gpt_steps=150,
    gpt_rates=7,
    gpt_gains=("fixed", "trainable"),
)
FULL = replace(
    STANDARD,
    name="full",
    samples=8192,
    check_widths=(64, 128, 256, 512, 1024, 2048, 4096),
    edge_widths=(64, 128, 256, 512, 1024, 2048, 4096),
    edge_steps=400,
    deep_widths=(64, 128, 256, 512, 1024, 2048),
    batch_widths=(64, 128, 256, 512, 1024),
    gpt_widths=(64, 128, 256, 512),
    gpt_seeds=3,
    gpt_steps=1000,
    gpt_rates=12,
)
SCALES = {scale.name: scale for scale in (SMOKE, STANDARD, FULL)}


def scale_of(name: str) -> Scale:
    """Return the scale of that name, its data resolved: Fashion-MNIST where it is installed.

    Raises:
        ValueError: an unknown name, with the known ones.
    """
    if name not in SCALES:
        raise ValueError(f"scale must be one of {', '.join(SCALES)}; given {name!r}")
    scale = SCALES[name]
    return replace(scale, data=task.available() if scale.data == "auto" else scale.data)
