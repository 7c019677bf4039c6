"""The explicit network: gradient descent on u and v themselves, which knows nothing of Gram matrices."""

import numpy as np
import pytest

from scalewright.theory import mlp, named


@pytest.fixture(scope="session")
def rules():
    """Return SP at the rate n^0, NTP and muP of the two-layer linear network."""
    graph = mlp(2, "linear")
    found = {name: named(graph, name, "sgd") for name in ("sp", "ntp", "mup")}
    return found | {"sp": found["sp"].with_lr({"width": 0})}


class Explicit:
    """f = m x v . u, trained by the chain rule written out."""

    def __init__(self, rule, width, lr, *, point, seed):
        numbers = rule.at(width=width, inputs=1, outputs=1, gamma=1)
        one, two = numbers["input.weight"], numbers["readout.weight"]
        draw = np.random.default_rng(seed)
        self.u, self.v = (
            one.init_std * draw.standard_normal(width),
            two.init_std * draw.standard_normal(width),
        )
        self.forward, self.point = one.multiplier * two.multiplier, point
        self.rates, self.lr = (one.lr, two.lr), lr

    def output(self):
        hidden = self.u * self.point
        return self.forward * float(self.v @ hidden)

    def step(self, slope, decay=0.0, share=1.0):
        """One step of torch's SGD: w <- w - rate (gradient + decay w)."""
        by_u = slope * self.forward * self.v * self.point
        by_v = slope * self.forward * self.u * self.point
        rates = [self.lr * share * rate for rate in self.rates]
        self.u = self.u - rates[0] * (by_u + decay * self.u)
        self.v = self.v - rates[1] * (by_v + decay * self.v)


@pytest.fixture(scope="session")
def explicit():
    """Return the class of explicit networks."""
    return Explicit
