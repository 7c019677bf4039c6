"""The rule of every operation."""

from collections.abc import Mapping

from scalewright.theory.calculus import attention, maps, pointwise, residual
from scalewright.theory.calculus.rule import Rule

RULES: Mapping[str, Rule] = {
    "data": pointwise.DATA,
    "linear": maps.LINEAR,
    "convolution": maps.LINEAR,
    "embedding": maps.EMBEDDING,
    "bias": maps.BIAS,
    "gain": maps.GAIN,
    "depthwise": maps.DEPTHWISE,
    "activation": pointwise.ACTIVATION,
    "pool": pointwise.PASS,
    "norm": pointwise.NORM,
    "add": pointwise.PASS,
    "product": pointwise.PRODUCT,
    "multiplier": pointwise.MULTIPLIER,
    "score": attention.SCORE,
    "mix": attention.MIX,
    "dispatch": attention.DISPATCH,
    "mixture": attention.MIXTURE,
    "stream": residual.STREAM,
    "branch": residual.BRANCH,
    "stack": residual.STACK,
    "loss": pointwise.LOSS,
}
