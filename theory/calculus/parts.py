"""How a size inside repeated blocks depends on the residual stream that the blocks read."""

from dataclasses import dataclass, field

from scalewright.theory.power import Exponent
from scalewright.theory.solver.affine import Affine, Max

# The reason of the term by which a block hands the stream on unchanged.
IDENTITY = "the stream itself, handed on"


@dataclass(frozen=True)
class Parts:
    r"""A size $\max(\mathrm{own},\ X + \mathrm{thru},\ X + \mathrm{loop})$, X the size of the stream.

    `own` doesn't come from the stream. `thru` comes from it through initial weights, which differ from block
    to block: over L blocks such terms add up like independent ones, as $L^{1/2}$. `loop` comes from it
    through updates of weights, which are aligned with the stream's gradient in every block, and add up as L.
    Outside of blocks there is only `own`.
    """

    own: Max = field(default_factory=Max)
    thru: Max = field(default_factory=Max)
    loop: Max = field(default_factory=Max)

    @classmethod
    def of(cls, value: Affine, reason: str, *, later: bool = False) -> "Parts":
        """Return a size of its own with one term."""
        return cls(Max.of(value, reason, later=later))

    @classmethod
    def stream(cls) -> "Parts":
        """Return the size of the stream itself."""
        return cls(thru=Max.of(Affine(), IDENTITY))

    def __bool__(self) -> bool:
        return bool(self.own or self.thru or self.loop)

    def __or__(self, other: "Parts") -> "Parts":
        return Parts(self.own | other.own, self.thru | other.thru, self.loop | other.loop)

    def __add__(self, shift: Affine | Exponent) -> "Parts":
        return Parts(self.own + shift, self.thru + shift, self.loop + shift)

    def because(self, reason: str) -> "Parts":
        """Return the same size with one reason for every term."""
        return Parts(self.own.because(reason), self.thru.because(reason), self.loop.because(reason))

    def coherent(self) -> "Parts":
        """Return the size after an update of weights was applied: aligned over the blocks."""
        return Parts(self.own, Max(), self.thru | self.loop)

    def delayed(self) -> "Parts":
        """Return the same size, absent at the first step."""
        return Parts(self.own.delayed(), self.thru.delayed(), self.loop.delayed())

    @property
    def is_stream(self) -> bool:
        """Whether the stream itself is part of this size, so that the tensor is the stream."""
        return any(term.reason == IDENTITY for term in self.thru.terms)

    def turns(self) -> Max:
        """Return what the stream contributes by way of initial weights, the stream itself left out."""
        return Max(tuple(term for term in self.thru.terms if term.reason != IDENTITY))

    def total(self, stream: Affine | None) -> Max:
        """Return all terms, with the size of the stream put in."""
        if stream is None:
            return self.own
        return self.own | (self.thru + stream) | (self.loop + stream)
