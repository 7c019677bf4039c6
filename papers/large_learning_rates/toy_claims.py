"""The claims that theory and the two-layer linear network decide."""

from scalewright.papers.claim import Claim
from scalewright.papers.large_learning_rates import theory_verdicts, toy

PAPER = "large-learning-rates"
SOURCE = "Haas et al. (2025), arXiv:2505.22491"
SLOPE = "0.01 on a slope up to n = 10^6 under the squared loss, 0.03 elsewhere"


def _claim(id: str, statement: str, predicted: str, measured_by: str, tolerance: str, *checks: str,
           source: str = SOURCE, cost: str = "5 s") -> Claim:  # fmt: skip
    return Claim(id, PAPER, statement, source, predicted, measured_by, tolerance, cost, checks)


_TABLE = (
    *(
        f"theory-edges-{o}-{layers}-{loss}" + ("-everett" if narrow != "1" else "")
        for o, layers, loss, narrow in theory_verdicts.EDGES
    ),
    *(
        f"theory-updates-{o}-{layers}-{c.replace('/', '-')}" + ("-everett" if narrow != "1" else "")
        for o, layers, c, narrow in theory_verdicts.UPDATES
    ),
    *(f"theory-full-align-{outputs}" for outputs in ("few", "many")),
    *(f"theory-{table}-control" for table in ("edges", "updates", "full-align")),
)

CLAIMS: tuple[Claim, ...] = (
    _claim(
        "table",
        "The published exponents of standard parametrization follow from counting sizes: edges, effective "
        "and propagating updates, logits",
        "propositions 2 and 4, tables of section 4",
        "theory.edges and theory.profile, every line by itself",
        "none: exact arithmetic; lines of other networks must be missed",
        *_TABLE,
    ),
    _claim(
        "mechanism",
        "Cross-entropy bears rates that the squared loss doesn't because no update reads how large the "
        "logits are; under the squared loss every step adds 1 - c to their exponent",
        "0 or all updates read the logits; n^(t (1 - c)) against n^(1 - c) after t steps",
        "theory.mechanism; exact dynamics of two-layer linear networks from 10^9 to 10^15 units",
        "exact, and 0.02 on a slope",
        "theory-feedback-sgd-cross-entropy", "theory-feedback-sgd-brier", "theory-feedback-sgd-squared",
        "theory-feedback-control",
        *(f"uv-step-{loss}-{step}" for loss in ("squared", "cross-entropy") for step in (1, 2, 3)),
        "uv-step-control",
    ),
    _claim(
        "uv-below",
        "Beyond the edge of the squared loss the exponent of the output grows by a factor of 3 a step in the "
        "end",
        "(1, 3, 9), (3/4, 7/4, 19/4), (1/2, 1, 2) after three steps at c = 0, 1/4, 1/2",
        "sim.uv.trajectory, from 10^9 to 10^15 units",
        "a twentieth of the power, of 1 at least",
        *(f"uv-below-{c.replace('/', '-')}-{step}" for c in toy.BELOW for step in (1, 2, 3)),
        source="our own: f' = f (1 + eta^2 chi^2) - eta chi K with chi = f - y",
    ),
    _claim(
        "adam-squared",
        "Under Adam the squared loss has the window of cross-entropy, since a step doesn't read how large "
        "the residual is",
        "bounded features at n^-1, bounded logits at n^-3/2",
        "theory.mechanism",
        "none: exact arithmetic",
        "theory-feedback-adam-squared",
        source="our own; the paper reports the same optimum under both losses",
    ),
    _claim(
        "L11",
        "The largest rate of the two-layer linear model falls as n^-1 under SP and the squared loss, with "
        "weight decay and a fixed warm-up too, and stays under NTP and muP",
        "-1, 0, 0",
        "sim.uv.edge, exact maps from n = 64 to 10^6",
        SLOPE,
        *(f"uv-edge-{name}-squared" for name in ("sp", "ntp", "mup")),
        "uv-edge-sp-squared-far", "uv-edge-sp-squared-decay", "uv-edge-sp-squared-warmup",
    ),
    _claim(
        "uv-window",
        "The same model under cross-entropy has both edges: outputs are bounded up to n^-1, weights up to "
        "n^0; in between outputs grow as n^(1-c) and the kernel stays",
        "-1 and 0; 3/4, 1/2 and 1/4 at c = 1/4, 1/2 and 3/4",
        "sim.uv.edge and sim.uv.trajectory",
        SLOPE,
        "uv-edge-sp-cross-entropy-outputs", "uv-edge-sp-cross-entropy-kernel",
        "uv-edge-mup-cross-entropy-kernel",
        *(f"uv-{what}-{c.replace('/', '-')}" for c in toy.WINDOW for what in ("outputs", "kernel")),
        "uv-limit",
        source="our own, beyond the squared loss of the paper's appendix",
    ),
    _claim(
        "uv-catapult",
        "Catapults don't explain the large rates: under the squared loss they double the largest rate and "
        "leave its power",
        "4 / n against 2 / n",
        "sim.uv.edge at n = 10^6",
        "0.1 of 4",
        "uv-catapult", "uv-catapult-control",
    ),
    _claim(
        "uv-warmup",
        "For a training time 20 / rate the largest rate of the squared loss falls as n^-1; with a warm-up "
        "over a tenth of the time as n^-1/2",
        "-1 and -1/2: the rise from 2 / n to 4 / n has to take a fixed number of steps, and takes 4 / (n "
        "eta^2)",
        "sim.uv.edge, n from 512 to 2048",
        "0.05",
        "uv-timed", "uv-timed-warmup",
        cost="20 s",
    ),
    _claim(
        "batch-derived",
        "For a fixed number of samples both edges gain the same power of the batch size, so it shifts the "
        "window and doesn't widen it",
        "B^1 in both edges under SGD, B^1/2 under Adam",
        "theory.derive on the axis batch",
        "none: exact arithmetic",
        "theory-batch-sgd", "theory-batch-adam", "theory-batch-control",
        source="our own; the paper leaves the batch size open",
    ),
)  # fmt: skip
