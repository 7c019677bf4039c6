"""Named parametrizations against the literature: each is solved from its requirements, none is typed in."""

from fractions import Fraction

import pytest

from scalewright.theory import Alignment, Infeasible, Parametrization, Power, ScalingError, derive, mlp, named
from scalewright.theory import desiderata as d
from scalewright.theory.calculus.optimizers import OPTIMIZERS


def column(p: Parametrization, quantity: str) -> list[str]:
    """Return one column of the table of exponents of the width."""
    return [str(getattr(scaling, quantity).exponent("width")) for scaling in p.entries.values()]


@pytest.mark.parametrize("layers", [2, 3, 6])
def test_literature_standard_parametrization_with_sgd(layers: int) -> None:
    """Haas et al. 2025 (arXiv:2505.22491), proposition 2: logits are bounded for one rate n^-c iff c >= 1."""
    p = named(mlp(layers), "sp", "sgd")
    assert column(p, "lr") == ["-1"] * layers
    assert column(p, "init_std") == ["0", *["-1/2"] * (layers - 1)]
    assert column(p, "multiplier") == ["0"] * layers


@pytest.mark.parametrize(("layers", "edge"), [(2, "-1"), (3, "-3/2"), (5, "-3/2")])
def test_literature_standard_parametrization_with_adam(layers: int, edge: str) -> None:
    """Haas et al. 2025: n^-3/2 if W_0 meets the features' change coherently; Everett et al. 2024: n^-1."""
    assert column(named(mlp(layers), "sp", "adam"), "lr") == [edge] * layers
    everett = named(mlp(layers), "sp", "adam", alignment=Alignment(narrow=Fraction(1, 2)))
    assert column(everett, "lr") == ["-1"] * layers


@pytest.mark.parametrize(
    ("layers", "optimizer", "edge"),
    [(2, "sgd", "0"), (3, "sgd", "-1/2"), (6, "sgd", "-1/2"), (2, "adam", "0"), (3, "adam", "-1")],
)
def test_literature_feature_learning_edge_of_cross_entropy(layers: int, optimizer: str, edge: str) -> None:
    """Haas et al. 2025, proposition 2: with logits free, deep SGD n^-1/2, two layers n^0, deep Adam n^-1."""
    require = [d.unit_gain, d.stable_features, d.one_rate, d.largest_rates]
    if optimizer == "adam":
        require.append(d.one_epsilon)
    assert column(derive(mlp(layers), optimizer, require=require), "lr") == [edge] * layers
    # Control: the squared loss feeds the logits back, so its edge is that of bounded logits.
    squared = derive(mlp(layers, loss="squared"), optimizer, require=require)
    assert column(squared, "lr") == column(named(mlp(layers), "sp", optimizer), "lr")


@pytest.mark.parametrize("layers", [2, 3, 5])
def test_literature_neural_tangent_parametrization(layers: int) -> None:
    """Jacot et al. 2018; Tensor Programs IV (arXiv:2011.14522), table 1: a = (0, 1/2, ...), b = 0, c = 0."""
    p = named(mlp(layers), "ntp", "sgd")
    assert column(p, "multiplier") == ["0", *["-1/2"] * (layers - 1)]
    assert column(p, "init_std") == ["0"] * layers
    assert column(p, "lr") == ["0"] * layers


@pytest.mark.parametrize("layers", [2, 3, 5])
@pytest.mark.parametrize("name", ["mup", "mean-field"])
def test_literature_mean_field_is_mup_for_unit_variance_weights(layers: int, name: str) -> None:
    """Tensor Programs IV, table 1: a = (0, [1/2, ...,] 1), b = 0, c = -1 in every layer."""
    p = named(mlp(layers), name, "sgd")
    assert column(p, "multiplier") == ["0", *["-1/2"] * (layers - 2), "-1"]
    assert column(p, "lr") == ["1"] * layers
    # Control: the neural tangent parametrization isn't it.
    assert column(named(mlp(layers), "ntp", "sgd"), "lr") != ["1"] * layers


EVERETT = {
    # (initial exponents b of the class in the gauge without multipliers): Everett et al. 2024
    # (arXiv:2407.05872), table 1, "standard" rows: exponents c of the rate n^-c.
    ("sgd", "full"): ("-1/2", "1/2", "1"),
    ("sgd", "none"): ("-1/2", "0", "1/2"),
    ("adam", "full"): ("0", "1", "1"),
    ("adam", "none"): ("0", "1/2", "1/2"),
}


@pytest.mark.parametrize(("optimizer", "alignment"), list(EVERETT))
def test_literature_everett_standard_rows(optimizer: str, alignment: str) -> None:
    """Everett et al. 2024, table 1: the largest rates layer by layer for standard initialisation."""
    half = Fraction(1, 2)
    align = Alignment(narrow=half) if alignment == "full" else Alignment(half, half, half, half)
    require = [d.unit_gain, d.stable_features, d.bounded_logits, d.largest_rates]
    p = derive(mlp(3), optimizer, require=require, alignment=align)
    assert column(p, "lr") == [str(-Fraction(c)) for c in EVERETT[optimizer, alignment]]


def test_literature_lazy_initialisation_excludes_feature_learning() -> None:
    """Tensor Programs IV, dynamical dichotomy: feature learning forces the initial function to vanish."""
    with pytest.raises(Infeasible) as caught:
        derive(mlp(3), "sgd", require=[*d.MAXIMAL_UPDATE, d.lazy_initialisation])
    text = str(caught.value)
    assert text.startswith(
        "derive: stable initialisation and maximal update and lazy initialisation cannot hold together: "
    )
    assert "1 x [1 + D[hidden.0] - a[readout.weight] - b[readout.weight] = 0] <- maximal update: " in text
    assert "(-1) x [s[readout] = 0] <- lazy initialisation: readout starts at Theta(1)" in text
    assert text.endswith("add up to 1/2 <= 0")
    assert caught.value.certificate.verify()
    derive(mlp(3), "sgd", require=d.MAXIMAL_UPDATE)  # Control: without laziness it can be had.


def test_conventions_of_fixed_sizes_and_gamma() -> None:
    mup = named(mlp(3), "mup", "sgd")
    gamma = Power({"gamma": 1})
    assert [s.multiplier for s in mup.entries.values()] == [
        Power({"inputs": "-1/2"}),
        Power({"width": "-1/2"}),
        Power({"width": -1, "gamma": -1}),
    ]
    assert [s.lr for s in mup.entries.values()] == [Power({"width": 1}) * gamma**2] * 3
    bare = mup.in_gauge("no-multipliers")
    assert [s.init_std for s in bare.entries.values()] == [s.multiplier for s in mup.entries.values()]
    assert [s.lr for s in bare.entries.values()] == [
        Power({"width": 1, "gamma": 2, "inputs": -1}),
        gamma**2,
        Power({"width": -1}),
    ]
    sp = named(mlp(3), "sp", "sgd")
    assert [s.init_std for s in sp.entries.values()] == [
        Power({"inputs": "-1/2"}),
        Power({"width": "-1/2"}),
        Power({"width": "-1/2"}),
    ]
    assert {s.lr for s in sp.entries.values()} == {Power({"width": -1})}
    assert {s.lr for s in named(mlp(3), "ntp", "sgd").entries.values()} == {gamma**2}


def test_identity_the_convention_for_fixed_inputs_is_the_calculus() -> None:
    """Solving `inputs` as a growing axis gives the very powers that stand there by convention."""
    for optimizer in ("sgd", "adam"):
        convention = derive(mlp(4), optimizer)
        solved = derive(mlp(4), optimizer, axes=("width", "inputs"))
        assert solved.entries == convention.entries


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ScalingError) as name:
        named(mlp(), "nup")
    assert str(name.value) == (
        "named: name must be one of sp, ntp, mean-field, mup, depth-mup, completep, sp-full-align; given "
        "'nup'"
    )
    with pytest.raises(ScalingError) as optimizer:
        named(mlp(), "mup", "lbfgs")
    assert str(optimizer.value) == f"named: optimizer must be one of {', '.join(OPTIMIZERS)}; given 'lbfgs'"
