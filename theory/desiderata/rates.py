"""Requirements on rates, epsilons and decays."""

from collections.abc import Iterator, Mapping
from fractions import Fraction

from scalewright.theory.calculus.sizes import Sizes, unknown
from scalewright.theory.desiderata.base import Desideratum
from scalewright.theory.errors import ScalingError
from scalewright.theory.power import Exponent, exact
from scalewright.theory.solver.affine import Affine
from scalewright.theory.solver.system import Constraint


def _trainable(sizes: Sizes, has: str = "") -> list[str]:
    names = [node.name for node in sizes.architecture.trainable]
    return [name for name in names if not has or getattr(sizes.optimizer(name), has)]


def _rates(sizes: Sizes) -> tuple[Affine, ...]:
    return tuple(unknown("c", name) for name in _trainable(sizes))


def _epsilons(sizes: Sizes) -> tuple[Affine, ...]:
    return tuple(-unknown("e", name) for name in _trainable(sizes, "has_eps"))


def _tied(forms: tuple[Affine, ...], why: str) -> Iterator[Constraint]:
    for form in forms[1:]:
        yield Constraint(form - forms[0], "==", why)


def _one_rate(sizes: Sizes) -> Iterator[Constraint]:
    return _tied(_rates(sizes), "one rate: every parameter has the same learning rate")


def _one_epsilon(sizes: Sizes) -> Iterator[Constraint]:
    yield from _small_epsilon(sizes)
    yield from _tied(_epsilons(sizes), "one epsilon: every parameter has the same epsilon")


def measured_gradient(sizes: Sizes, name: str) -> Affine:
    """Return the exponent of the size with which an epsilon competes, in the epsilon's own power.

    Where features start smaller than they get, that is the gradient of the first step: an epsilon as large as
    the later ones would keep them small. A gradient that is zero at the first step counts later.
    """
    optimizer = sizes.optimizer(name)
    gradient = sizes.raw_gradient[name]
    if sizes.starts_small:
        gradient = sizes.first(gradient) or gradient
    size = gradient + sizes.axis.noise
    if optimizer.spectral:
        size = size + sum(sizes.fans(sizes.architecture.user_of(name)), Fraction(0)) / 2
    return size * optimizer.eps_degree


def _small_epsilon(sizes: Sizes) -> Iterator[Constraint]:
    for name in _trainable(sizes, "has_eps"):
        why = f"small epsilon: the epsilon of {name} is no larger than its gradient"
        yield Constraint(unknown("e", name) - measured_gradient(sizes, name), "<=", why)


def _epsilon_transfer(sizes: Sizes) -> Iterator[Constraint]:
    for name in _trainable(sizes, "has_eps"):
        why = f"epsilon transfer: the epsilon of {name} is as large as its gradient"
        yield Constraint(unknown("e", name) - measured_gradient(sizes, name), "==", why)


def _decay_transfer(sizes: Sizes) -> Iterator[Constraint]:
    for name in _trainable(sizes, "has_decay"):
        shrinks = unknown("w", name) + sizes.axis.steps
        if sizes.optimizer(name).decay == "coupled":
            why = f"decay transfer: rate times weight decay of {name} is Theta(1)"
            yield Constraint(shrinks - unknown("c", name), "==", why)
        else:
            why = f"decay transfer: the weight decay of {name} is Theta(1)"
            yield Constraint(shrinks, "==", why)


def largest_total_rate(weights: Mapping[str, Exponent] | None = None) -> Desideratum:
    """Return the requirement that the weighted sum of the rates' exponents is as large as the rest allows.

    For requirements under which rates compete, so that not all can be largest at once. A parameter left out
    has weight 1. Raises TypeError on a float; ScalingError, when it is derived, for an unknown parameter or a
    negative weight.
    """
    given = {
        name: exact(value, f"largest_total_rate: weight of {name!r}")
        for name, value in (weights or {}).items()
    }

    def least(sizes: Sizes) -> tuple[Affine, ...]:
        names = _trainable(sizes)
        for name, weight in given.items():
            if name not in names or weight < 0:
                raise ScalingError(
                    "largest_total_rate: weights must be non-negative and name parameters among "
                    f"{', '.join(names)}; given {name!r}: {weight}"
                )
        total = Affine()
        for name in names:
            total = total + unknown("c", name) * given.get(name, 1)
        return (total,)

    return Desideratum(
        "largest total rate", "the rates are together as large as the rest allows", "rate", least=least
    )


one_rate = Desideratum("one rate", "every parameter has the same learning rate", "rate", _one_rate)
largest_rates = Desideratum(
    "largest rates", "every learning rate is as large as the rest allows", "rate", least=_rates
)
small_epsilon = Desideratum("small epsilon", "epsilon is no larger than the gradient", "eps", _small_epsilon)
epsilon_transfer = Desideratum(
    "epsilon transfer", "epsilon is as large as the gradient", "eps", _epsilon_transfer
)
one_epsilon = Desideratum(
    "one epsilon",
    "one epsilon for all parameters, the largest that is no larger than any gradient",
    "eps",
    _one_epsilon,
    _epsilons,
)
decay_transfer = Desideratum(
    "decay transfer", "rate times weight decay is Theta(1)", "decay", _decay_transfer
)
