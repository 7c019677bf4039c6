"""How sums over the fan-in add up: the one assumption of the calculus on which the literature differs."""

from dataclasses import dataclass, fields
from fractions import Fraction

from scalewright.theory.power import exact

HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Alignment:
    r"""How a sum over the fan-in adds up, as an exponent of the fan-in: 1 aligned, 1/2 independent.

    `update` is for $(W_t - W_0) x_0$, `joint` for $(W_t - W_0)\Delta x$, `narrow` for $W_0 \Delta x$ where
    $W_0$ maps to a fixed number of outputs (the readout: $\Delta x$ was made through its own rows, so it is
    aligned), `wide` for $W_0 \Delta x$ in square and widening maps. The default follows Yang and Hu (2021)
    and Haas et al. (2025); Everett et al. (2024) take `narrow = 1/2` ("full alignment") or 1/2 everywhere
    ("no alignment").
    """

    update: Fraction = Fraction(1)
    joint: Fraction = Fraction(1)
    narrow: Fraction = Fraction(1)
    wide: Fraction = HALF

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = exact(getattr(self, entry.name), f"Alignment: {entry.name}")
            if not HALF <= value <= 1:
                raise ValueError(f"Alignment: {entry.name} must lie between 1/2 and 1; given {value}")
            object.__setattr__(self, entry.name, value)

    def propagating(self, kappa_in: Fraction, kappa_out: Fraction) -> Fraction:
        r"""Return the alignment of $W_0 \Delta x$; fan-in $N^{\kappa_{in}}$, fan-out $N^{\kappa_{out}}$.

        $\Delta x \propto W_0^\top g$ is a sum over the fan-out, of which the own row is a share
        $N^{-\kappa_{out}/2}$, and only that share adds up coherently. By default this gives
        $\max(1/2,\ 1 - \kappa_{out} / 2\kappa_{in})$, in general
        $\max(\mathrm{wide},\ \mathrm{narrow} - (\mathrm{narrow} - 1/2)\,\kappa_{out} / \kappa_{in})$.
        """
        if not kappa_in:
            return self.wide
        return max(self.wide, self.narrow - (self.narrow - HALF) * kappa_out / kappa_in)


def full() -> Alignment:
    """Return the full alignment of Everett et al. (2024): updates aligned, the initial weights never."""
    return Alignment(narrow=HALF)


def none() -> Alignment:
    """Return the absence of alignment of Everett et al. (2024): every sum adds up like independent terms."""
    return Alignment(HALF, HALF, HALF, HALF)
