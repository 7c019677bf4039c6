"""The claims that trained networks judge: claims of the paper by number, and what goes beyond it."""

from scalewright.papers.claim import Claim

PAPER = "large-learning-rates"
_GRIDS = (
    "perceptrons on grids of rates in steps of sqrt(2) or finer; unstable: a loss above a million times the "
    "first, or under cross-entropy less than twice chance"
)
_LATER = (
    "; after 4 steps (later) the wider half of the widths, at a rate at which logits have passed 1 at all of "
    "them, chosen after a run at a third of it: where logits pass 1 between two widths, later steps undo "
    "earlier ones more at the wider one"
)
_CHECKS = "nets.coordinate_check of perceptrons with 4 layers, after one step unless said"
_SLOPE = "0.15 on a power, the resolution of the grid in the interval"
_GPT = (
    "transformers of two blocks of 32 to 128 units on sympy's source, queries and keys normalised, the order "
    "of windows one for all seeds"
)
_WIDE = "0.3: three narrow widths"
_UPDATES = (
    "input-effective",
    "hidden-effective",
    "readout-effective",
    "readout-propagating",
    "readout-total",
)


def _each(start: str, *ends: str, last: str = "") -> tuple[str, ...]:
    return tuple(f"{start}-{end}{last}" for end in ends)


CLAIMS = (
    Claim(
        "L1",
        PAPER,
        "Deep perceptrons under SGD bear a largest rate of n^-1/2 with cross-entropy and of n^-1 with the "
        "squared loss, which diverges at rates that cross-entropy bears.",
        "propositions 2 and 4, figure 1",
        "-1/2; -1; all runs diverge",
        _GRIDS,
        _SLOPE,
        "40 seconds",
        (
            *_each("edge", "deep-cross-entropy", "deep-mse", "deepest", "deep-mse-control"),
            *_each("same-rate", "cross-entropy", "mse"),
        ),
    ),
    Claim(
        "L2",
        PAPER,
        "With two layers the powers are 0 and -1. Under the squared loss, runs just below the edge learn as "
        "well, after a catapult: not to diverge is to be stable.",
        "figure on two-layer networks; our derivation",
        "0; -1; all learn within 1200 steps, not within 60",
        _GRIDS,
        _SLOPE,
        "15 seconds",
        (*_each("edge", "two-cross-entropy", "two-mse"), *_each("catapult", "two-mse", "two-mse-control")),
    ),
    Claim(
        "L3",
        PAPER,
        "Under SGD at n^-1/2 hidden layers learn and input layers vanish; at n^-1 hidden layers are lazy.",
        "proposition 4, refined coordinate check",
        "effective (-1, 0, 1/2), readout propagating 1/2; effective (-3/2, -1/2, 0), propagating 0",
        _CHECKS + "; after 4 steps (later), the wider half of the widths",
        "0.1 for input and hidden layers, 0.15 for the readout",
        "20 seconds",
        (
            *_each("sgd-half", *_UPDATES, "hidden-later"),
            *_each("sgd-one", *_UPDATES, "hidden-later"),
        ),
    ),
    Claim(
        "L4",
        PAPER,
        "Under Adam at n^-1 hidden layers learn and the logits grow as n^1/2, through the initial readout "
        "alone; at n^-3/2 nothing grows. The first update of hidden layers keeps its size at n^-1.",
        "refined coordinate check; the crossing is ours",
        "effective (-1, 0, 0), readout propagating 1/2; effective (-3/2, -1/2, -1/2), propagating 0; -1",
        _CHECKS + _LATER,
        "0.1 for input and hidden layers, 0.15 for the readout and the crossing",
        "20 seconds",
        (
            *_each("adam-one", *_UPDATES, "hidden-later"),
            *_each("adam-three-halves", *_UPDATES),
            "edge-adam-coordinates",
        ),
    ),
    Claim(
        "adam-squared-measured",
        PAPER,
        "Under Adam at n^-1 four steps on the squared loss move all layers and the logits by the powers of "
        "cross-entropy: updates do not read how large the residual is.",
        "ours",
        "difference of powers 0",
        _CHECKS + _LATER,
        "0.1 for the input layer, 0.15 for the others",
        "2 seconds",
        _each("adam-squared", "input", "hidden", "readout", "no-faster"),
    ),
    Claim(
        "slow-readout",
        PAPER,
        "After several steps of Adam the propagating update of the readout comes to its power 1/2 slowly, "
        "from below.",
        "ours",
        "local power rises with the width",
        _CHECKS,
        "a difference of local powers that excludes 0",
        "with L4",
        ("adam-one-rising",),
    ),
    Claim(
        "L5",
        PAPER,
        "Between n^-1/2 and n^-1 divergence is controlled: logits grow as n^(1-c), activations and gradients "
        "times n^1/2 stay; at n^-1/4 activations grow. Under the squared loss logits grow faster step by "
        "step.",
        "proposition 2",
        "1 - c; 0; -1/2; above 0",
        _CHECKS + "; sizes after 4 steps",
        "0.15; 0.1; 0.1",
        "20 seconds",
        (
            *(
                f"growth-{power}-{what}"
                for power in ("five-eighths", "three-quarters", "seven-eighths")
                for what in ("logits", "activations", "gradients")
            ),
            "growth-below-control",
            "growth-squared-control",
        ),
    ),
    Claim(
        "logits-later",
        PAPER,
        "After four steps, too, the logits have grown as n^(1-c).",
        "proposition 2, at a fixed step",
        "1 - c",
        _CHECKS + "; after 4 steps",
        "0.15",
        "with L5",
        _each("growth", "five-eighths", "three-quarters", "seven-eighths", last="-logits-later"),
    ),
    Claim(
        "L6",
        PAPER,
        "The gap between the losses is there from the second step on, with two layers as well, and is none "
        "of alignment: operator alignments do not depend on the width.",
        "section on causes; powers by theory.profile",
        "0 and 1/2 of the input layer at n^0; 0",
        _CHECKS,
        "0.15; 0.1",
        "2 seconds",
        (
            *_each("gap", "cross-entropy", "control"),
            *_each("alignment", "hidden-effective", "readout-effective", "readout-propagating"),
        ),
    ),
    Claim(
        "L7",
        PAPER,
        "SP with the squared loss loses its features with the width, and muP gives them back: it has one "
        "best rate for all widths under either loss, and is as accurate under one as under the other.",
        "figure on losses and parametrizations",
        "-1/2; 0; more accurate than SP; as accurate",
        _GRIDS + "; " + _CHECKS,
        "0.15; two points; five points",
        "40 seconds",
        (
            "lazy-hidden",
            *_each("edge", "mup-cross-entropy", "mup-mse"),
            *_each("optimum", "mup-cross-entropy", "mup-mse"),
            "accuracy-mse",
            "accuracy-mup",
        ),
    ),
    Claim(
        "accuracy-falls",
        PAPER,
        "SP with the squared loss becomes less accurate with the width, at the best rate of each.",
        "figure on losses and parametrizations: 8 layers, an epoch of images, up to width 16384",
        "below 0",
        "4 layers, 60 steps on 16 inputs and 4 classes, where wide networks also gain by being less noisy; "
        + _GRIDS,
        "a change along a line in log width that excludes 0",
        "with L7",
        ("accuracy-falls",),
    ),
    Claim(
        "L8",
        PAPER,
        "With the largest rate for every layer (SP-full-align) all effective updates are of order one and "
        "the logits grow as n^1/2 through the initial readout; with many more outputs than units that "
        "amplification is gone.",
        "section on SP-full-align; the amplification is our derivation",
        "effective (0, 0, 0), readout propagating 1/2; amplification 1/2 and 0",
        _CHECKS,
        "0.1; 0.15 for the readout",
        "15 seconds",
        (*_each("align", *_UPDATES, "amplification"), "align-many-amplification"),
    ),
    Claim(
        "label-logit",
        PAPER,
        "With many more outputs than units the logit of a sample's own class still grows as n^1/2 under "
        "SP-full-align, while the root mean square over outputs doesn't grow.",
        "ours; the paper looks at norms",
        "1/2; 0",
        "one step on 32 samples with random labels among 4096",
        "0.15",
        "10 seconds",
        _each("labels", "own", "all"),
    ),
    Claim(
        "L9",
        PAPER,
        "The best rate of deep perceptrons under cross-entropy follows the largest stable one.",
        "figure 1",
        "-1/2",
        _GRIDS,
        _SLOPE,
        "with L1",
        ("optimum-deep-cross-entropy",),
    ),
    Claim(
        "L10-sgd",
        PAPER,
        "The best rate of transformers under SGD, with fixed gains, falls as n^-1/2.",
        "figure on GPT",
        "-1/2",
        _GPT,
        _WIDE,
        "20 seconds",
        ("gpt-sgd-fixed",),
    ),
    Claim(
        "L10-adam",
        PAPER,
        "The best rate of transformers under Adam, with fixed gains, falls as n^-1.",
        "figure on GPT",
        "-1",
        _GPT,
        _WIDE,
        "20 seconds",
        ("gpt-adam-fixed",),
    ),
    Claim(
        "trainable-gains",
        PAPER,
        "With trainable gains the best rate of transformers under Adam falls as n^-0.42 only: they raise its "
        "power.",
        "figure on GPT; no theorem",
        "-0.42; 0.58 above that with fixed gains",
        _GPT + "; the difference by pairs of the same weights and windows",
        _WIDE,
        "at standard scale, 5 minutes",
        _each("gpt-adam", "trainable-paper", "gains-paper"),
    ),
    Claim(
        "gains-derived",
        PAPER,
        "Trainable gains don't set the edge of transformers, so that the best rate has the same power of the "
        "width with them.",
        "our derivation, against the paper's fit for Adam",
        "-1/2 under SGD, -1 under Adam; differences 0",
        _GPT + "; differences by pairs of the same weights and windows",
        _WIDE,
        "with trainable-gains",
        _each("gpt", "sgd-trainable", "adam-trainable", "sgd-gains", "adam-gains"),
    ),
    Claim(
        "L12",
        PAPER,
        "Under SP wider networks overrate themselves more; under muP they don't.",
        "stated as open",
        "above 0; 0; a difference above 0",
        _GRIDS,
        "a change along a line in log width that excludes 0; five points",
        "with L1",
        _each("confidence", "sp", "mup", "apart"),
    ),
    Claim(
        "batch",
        PAPER,
        "Between batches of 64 and of all 128 samples the window does not depend on the batch: its ends keep "
        "their powers -1/2 and -1. At one width batches of 8 to 128 move them by B^1/2 at most.",
        "ours; the paper names it as open",
        "-1/2; -1; between 0 and 1/2",
        _GRIDS,
        _SLOPE,
        "40 seconds",
        (
            *(f"batch-{size}-{loss}" for size in (64, 128) for loss in ("cross-entropy", "mse")),
            *_each("batch-power", "cross-entropy", "mse"),
        ),
    ),
    Claim(
        "batch-8",
        PAPER,
        "A batch of 8, too, leaves the ends of the window their powers -1/2 and -1.",
        "ours; the derivation counts powers of the width at any fixed batch",
        "-1/2; -1",
        _GRIDS,
        _SLOPE,
        "with batch",
        _each("batch-8", "cross-entropy", "mse"),
    ),
    Claim(
        "batch-narrowing",
        PAPER,
        "Under cross-entropy the batch matters less at wide networks: its power in the largest stable rate "
        "falls with the width, so that the edge of small batches falls more slowly than n^-1/2 on the way.",
        "ours; seen where a batch of 8 missed its power, tested on other seeds",
        "below 0",
        "batches of 8 and of all 128 samples at the narrowest and the widest networks; " + _GRIDS,
        "a difference that excludes 0",
        "with batch",
        ("narrowing-cross-entropy",),
    ),
)
