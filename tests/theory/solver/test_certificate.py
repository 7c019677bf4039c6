"""Certificates verify, and every way of tampering with one is noticed."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalewright.theory import Certificate, Infeasible, Parametrization, Power, Unverified, derive, mlp, named
from scalewright.theory import desiderata as d
from scalewright.theory.solver.affine import Affine
from scalewright.theory.solver.certificate import AxisCertificate, Bound, Branch, Leaf, Proof, Tree

CASES = {
    f"{name}, {optimizer}": named(mlp(3), name, optimizer)
    for name in ("sp", "ntp", "mup")
    for optimizer in ("sgd", "adam")
}


def proofs(tree: Tree) -> list[Proof]:
    """Return every proof of a tree."""
    found = [proof for lemma in tree.lemmas for proof in lemma.proofs]
    if isinstance(tree, Leaf):
        return found + [p for bound in tree.bounds for p in (bound.lower, bound.upper) if p is not None]
    if isinstance(tree, Branch):
        return found + [p for case in tree.cases for p in proofs(case.then)]
    return [*found, tree.farkas]


def with_bounds(part: AxisCertificate, bounds: tuple[Bound, ...]) -> Certificate:
    """Return the certificate with other bounds in its last stage."""
    stage = part.stages[-1]
    assert isinstance(stage.tree, Leaf)
    last = replace(stage, tree=replace(stage.tree, bounds=bounds))
    return Certificate((replace(part, stages=(*part.stages[:-1], last)),))


@pytest.mark.parametrize("p", CASES.values(), ids=CASES)
def test_identity_the_solution_satisfies_every_requirement(p: Parametrization) -> None:
    part = p.certificate.on("width")
    values = part.system.complete(part.values)
    assert all(constraint.holds(values) for constraint in part.system.all_constraints())
    assert p.certificate.verify()


@pytest.mark.parametrize("p", CASES.values(), ids=CASES)
def test_identity_proofs_are_combinations_of_constraints(p: Parametrization) -> None:
    """Independent of `verify`: at random values of the unknowns, claim - sum m form is the same number."""
    part = p.certificate.on("width")
    known = [*part.system.all_constraints()]
    first = part.stages[0].tree
    known += [lemma.adds for lemma in first.lemmas]
    names = sorted({name for constraint in known for name in constraint.form.coefficients})
    for proof in proofs(first):
        left = set()
        for seed in (3, 11):
            at = {name: Fraction((seed * i * i) % 17 - 8, 3) for i, name in enumerate(names)}
            total = sum(m * known[i].form.at(at) for i, m in proof.multipliers)
            left.add(proof.claim.at(at) - total)
        assert len(left) == 1
        assert left.pop() <= 0


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(CASES)), st.data())
def test_property_a_changed_multiplier_is_rejected(case: str, data: st.DataObject) -> None:
    part = CASES[case].certificate.on("width")
    tree = part.stages[-1].tree
    assert isinstance(tree, Leaf)
    place = data.draw(st.integers(0, len(tree.bounds) - 1))
    bound = tree.bounds[place]
    lines = list(bound.lower.multipliers)
    line = data.draw(st.integers(0, len(lines) - 1))
    lines[line] = (
        lines[line][0],
        lines[line][1] + data.draw(st.sampled_from([Fraction(1), Fraction(-1, 2)])),
    )
    forged = replace(bound, lower=replace(bound.lower, multipliers=tuple(lines)))
    bounds = (*tree.bounds[:place], forged, *tree.bounds[place + 1 :])
    with pytest.raises(Unverified):
        with_bounds(part, bounds).verify()
    assert with_bounds(part, tree.bounds).verify()  # Control: unchanged, it's accepted.


def test_a_wrong_value_is_rejected() -> None:
    part = derive(mlp(3)).certificate.on("width")
    wrong = dict(part.values) | {"c[hidden.0.weight]": Fraction(1, 2)}
    with pytest.raises(Unverified, match=r"c\[hidden.0.weight\] is proved to be 0, not 1/2"):
        Certificate((replace(part, values=wrong),)).verify()


def test_a_value_without_a_proof_is_rejected() -> None:
    part = derive(mlp(3)).certificate.on("width")
    with pytest.raises(Unverified) as caught:
        Certificate((replace(part, stages=()),)).verify()
    assert str(caught.value) == "certificate: nothing proves that a[input.weight] is unique"


def test_an_unproved_extreme_is_rejected() -> None:
    part = named(mlp(3), "sp").certificate.on("width")
    first = part.stages[0]
    free = replace(
        first, fixes=(*first.fixes, replace(first.fixes[0], form=Affine.unknown("b[input.weight]")))
    )
    with pytest.raises(Unverified, match="nothing proved so far allows"):
        Certificate((replace(part, stages=(free, *part.stages[1:])),)).verify()


def test_a_forged_lemma_is_rejected() -> None:
    part = derive(mlp(3)).certificate.on("width")
    tree = part.stages[0].tree
    lemma = tree.lemmas[0]
    forged = replace(lemma, adds=replace(lemma.adds, form=lemma.adds.form + 1))
    stage = replace(part.stages[0], tree=replace(tree, lemmas=(forged, *tree.lemmas[1:])))
    with pytest.raises(Unverified, match="lemma"):
        Certificate((replace(part, stages=(stage,)),)).verify()


def test_a_forged_contradiction_is_rejected() -> None:
    with pytest.raises(Infeasible) as caught:
        derive(mlp(3), require=[*d.MAXIMAL_UPDATE, d.lazy_initialisation])
    part = caught.value.certificate.axes[0]
    tree = part.stages[0].tree
    lines = tree.farkas.multipliers[1:]  # type: ignore[union-attr]
    forged = replace(tree, farkas=Proof(Affine.number(1), "<=", lines))
    with pytest.raises(Unverified, match="is left over"):
        Certificate((replace(part, stages=(replace(part.stages[0], tree=forged),)),)).verify()


def test_cases_must_cover_the_maximum() -> None:
    """With small rates below, only the readout can move the logits: the other cases are contradictory."""
    rates = d.prescribe("lr", {"input.weight": -2, "hidden.0.weight": -2})
    p = derive(mlp(3), "sgd", require=[d.unit_gain, rates, d.nontrivial])
    assert p["readout.weight"].lr == Power({"width": -1})
    assert "so this case cannot occur" in p.explain("readout.weight", "lr")
    part = p.certificate.on("width")
    tree = part.stages[-1].tree
    assert isinstance(tree, Branch)
    stage = replace(part.stages[-1], tree=replace(tree, cases=tree.cases[1:]))
    with pytest.raises(Unverified, match="don't cover the terms of its maximum"):
        Certificate((replace(part, stages=(*part.stages[:-1], stage)),)).verify()


def test_control_empty_certificates_are_not_verified() -> None:
    part = CASES["mup, sgd"].certificate.on("width")
    with pytest.raises(Unverified) as axes:
        Certificate(()).verify()
    assert str(axes.value) == "certificate: it proves nothing: it has no axes"
    with pytest.raises(Unverified) as stages:
        Certificate((replace(part, values={}, stages=()),)).verify()
    assert str(stages.value) == "certificate: the part of axis 'width' proves nothing: it has no stages"
