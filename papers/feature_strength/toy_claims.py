"""The claims that the toys judge: those of the paper, and those beyond it."""

from scalewright.papers.claim import Claim

PAPER = "feature-strength"
_TOY = "the deep linear toy, every run of a gamma-eta grid in one compiled loop, edges by bisection"
_WIDE = "the exact map of two wide linear layers, edges by bisection"
_LOSSES, _DEPTHS = ("squared", "cross-entropy"), (2, 3, 4, 5)
_OURS = "our derivation; beyond the paper"


def _rows(start: str, ends: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{start}-{loss}-{n}-{end}" for loss in _LOSSES for n in _DEPTHS for end in ends)


def _rivals() -> tuple[str, ...]:
    return tuple(
        f"toy-max-{loss}-{n}-{rival}-control"
        for loss in _LOSSES
        for n in (3, 4)
        for rival in ("three", "deeper", "one")
    )


CLAIMS = (
    Claim(
        "T1",
        PAPER,
        "On the balanced path of the L-layer toy the Hessian has two eigenvalues; at convergence the "
        "sharpness "
        "is L (1 + gamma)^(2 - 2/L) / gamma^2, so that 2 / sharpness goes as gamma^2 and gamma^(2/L).",
        "toy of section 4, Hessian at the minimiser; constants for L parameters derived here",
        "identities",
        "sympy, with L symbolic and against explicit Hessians",
        "none: exact",
        "10 seconds",
        ("toy-exact",),
    ),
    Claim(
        "T2",
        PAPER,
        "The largest rate that converges is 2 / sharpness: gamma^2 for gamma << 1 and gamma^(2/L) for "
        "gamma >> 1, "
        "for both losses and 2 to 5 layers; not gamma^(3/L), gamma^(2/(L+1)) or gamma.",
        "abstract (eta ~ gamma^2, gamma^(2/L)); exponents fitted here, the paper prints none",
        "powers 2 and 2/L, ratio 1 at every gamma",
        _TOY,
        "0.01 and 0.005; ratio: 0.1 % and log(1/epsilon)/T",
        "20 seconds",
        (*_rows("toy-max", ("lazy", "rich", "constant")), *_rivals()),
    ),
    Claim(
        "T3",
        PAPER,
        "The smallest rate that converges in T steps is that of the gradient flow, proportional to 1/T: "
        "gamma^2 "
        "for gamma << 1, and for gamma >> 1 a power that tends to 1 (with two layers gamma log gamma).",
        "table of scalings; the crossover and the constants are derived here",
        "2; the formula's own slope in the range; -1 in T",
        _TOY,
        "0.01, 0.005, 0.01; ratio to the formula: 1 %",
        "in the time of T2",
        (*_rows("toy-min", ("lazy", "rich", "constant")), "toy-horizon-0.001", "toy-horizon-1000"),
    ),
    Claim(
        "T4",
        PAPER,
        "Under cross-entropy and for gamma << 1 weights stay bounded up to a rate proportional to gamma, far "
        "above eta_crit ~ gamma^2; with two layers up to 2 (1 + e) gamma.",
        "figure of the toy under cross-entropy; the constant is derived here",
        "power 1; ratio 1",
        _TOY,
        "0.02; ratio: growth to 1e8 takes T steps",
        "10 seconds",
        ("toy-div-2", "toy-div-3", "toy-div-4", "toy-div-2-constant"),
    ),
    Claim(
        "T5",
        PAPER,
        "Two wide layers under the squared loss catapult between 2/K_0 and 4/K_0 (gamma << 1): the loss "
        "rises, the "
        "kernel falls below 2/eta, and training converges; above it never does.",
        "appendix on catapults; the proof of the band is ours (docs/concepts/richness.md)",
        "the band is (2, 4) / K_0, the kernel at the end at most 2/eta",
        _WIDE + ", and the map of f and K by itself",
        "0.5 % of the band's ends",
        "3 seconds",
        tuple(f"toy-catapult-{e}" for e in ("band", "beyond", "mono", "max", "kernel", "control")),
    ),
    Claim(
        "T6",
        PAPER,
        "At a rate that is a fixed share of eta_crit the plateau lasts gamma^(1 - 2/L) steps (two layers: "
        "log gamma), and the drop after it as many steps at every gamma.",
        "long plateau, then drop; the powers are derived here",
        "1 - 2/L; the flow's integral; a constant",
        _TOY,
        "0.02; 3 % (two layers 6 %); 10 %",
        "5 seconds",
        (
            *(f"toy-plateau-{n}" for n in _DEPTHS[1:]),
            *(f"toy-plateau-{n}-constant" for n in _DEPTHS),
            *(f"toy-drop-{n}" for n in _DEPTHS),
        ),
    ),
    Claim(
        "T7",
        PAPER,
        "For gamma >> 1 the rates that converge within T steps form a triangle, which closes at a gamma that "
        "grows as T^(L/(L-2)).",
        "triangle of optimizability; the apex is derived here",
        "powers 3, 2, 5/3 for L = 3, 4, 5",
        _TOY,
        "0.1",
        "15 seconds",
        ("toy-apex-3", "toy-apex-4", "toy-apex-5"),
    ),
    Claim(
        "T14",
        PAPER,
        "Under Adam and sign descent the smallest rate that converges goes as gamma and gamma^(1/L): "
        "there is no "
        "plateau, and the band never closes.",
        _OURS,
        "powers 1 and 1/L",
        _TOY,
        "sign: 0.01 of its exact formula; Adam: 0.03 of it, for its memory",
        "10 seconds",
        (
            *(f"toy-{o}-min-{n}-{r}" for o in ("sign", "adam") for n in (2, 3, 4) for r in ("lazy", "rich")),
            *(f"toy-sign-max-{n}" for n in (2, 3, 4)),
            *(
                f"toy-{o}-min-{n}-{rival}-control"
                for o in ("sign", "adam")
                for n in (2, 3, 4)
                for rival in ("descent", "deeper")
            ),
        ),
    ),
    Claim(
        "cross-entropy-band",
        PAPER,
        "Two wide layers under cross-entropy and gamma << 1 converge up to 2.1996 gamma, the zero of the "
        "kernel's drift, and beyond only in an island around 4.328 gamma, where the first step balances the "
        "layers.",
        _OURS,
        "ratio 1, power 1; island at 1 / Delta(0)",
        _WIDE,
        "0.5 %, 0.01",
        "5 seconds",
        ("toy-band-end", "toy-band-power", "toy-island-center", "toy-island-gap", "toy-island-end"),
    ),
    Claim(
        "cross-entropy-hole",
        PAPER,
        "At finite T the band has a hole above eta_crit: catapults there shrink the kernel by a relative "
        "(eta/gamma)^2 a step and do not end. Its top is where (eta/gamma)^2 T is a known function of "
        "eta/gamma^2.",
        _OURS,
        "ratio 1 to the prediction",
        _WIDE,
        "2 %: leading order in eta/gamma and 1/T",
        "in the time of cross-entropy-band",
        ("toy-hole-top", "toy-hole-control"),
    ),
    Claim(
        "momentum",
        PAPER,
        "The heavy ball moves eta_min by 1 - mu and, in the lazy regime, eta_max by 1 + mu; in the rich "
        "regime "
        "runs diverge at less than half of that, thrown past the minimum by the speed gathered on the way.",
        _OURS,
        "ratio 1 (lazy), below 0.7 (rich), power 2/3",
        _TOY,
        "1 %; 5 % (eta_min); 0.1",
        "2 seconds",
        (
            "toy-momentum-max-lazy",
            "toy-momentum-min",
            "toy-momentum-max-rich",
            "toy-momentum-stability-control",
        ),
    ),
    Claim(
        "logistic-no-edge",
        PAPER,
        "Under the logistic loss one example has no upper edge: at every rate above eta_min the loss "
        "only falls.",
        _OURS,
        "share of runs: 1",
        _TOY,
        "none",
        "2 seconds",
        ("toy-logistic-3",),
    ),
    Claim(
        "flattest",
        PAPER,
        "Unequal weights end at the balanced edge at the latest: no minimum of the toy is flatter.",
        _OURS + ": the inequality of arithmetic and geometric mean",
        "ratio at most 1",
        _TOY,
        "0.2 %: the bisection, and finite T",
        "10 seconds",
        ("toy-flattest",),
    ),
)
