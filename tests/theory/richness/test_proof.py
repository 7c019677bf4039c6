"""The derivation holds step by step, and a changed step is caught."""

from dataclasses import replace

from sympy import Eq

from scalewright.theory.richness import proof


def test_identity_every_step_holds():
    checks = proof.derivation().verify()
    assert [check.statement for check in checks if not check.holds] == []
    assert len(checks) == 14


def test_control_a_changed_side_is_caught():
    derivation = proof.derivation()
    for step in derivation.steps:
        left, right = step.expression.args
        wrong = replace(step, expression=Eq(left + 1, right, evaluate=False))
        assert not replace(derivation, steps=(wrong,)).holds, step.statement


def test_identity_it_is_written_out():
    text = proof.derivation().to_markdown()
    assert text.startswith("### The gamma-eta plane")
    assert "The imbalance of the layers shrinks." in text
