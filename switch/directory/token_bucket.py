"""Tokens that asking costs, so that nobody can read the directory out by trying numbers.

A bucket belongs to whoever asks. A question that finds an alias is cheap and one that finds none is
dear: a payer's bank finds nearly all it asks for, and somebody who tries numbers finds next to
nothing. What a question costs is known only once it is answered, so a bucket may fall below
nothing; then it gives no answers until it is above again.
"""

from dataclasses import dataclass

__all__ = ["Terms", "TokenBucket"]

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Terms:
    """What asking costs and how a bucket fills."""

    capacity: int = 60_000
    refill_per_s: int = 2_000
    hit_cost: int = 1
    miss_cost: int = 50

    def __post_init__(self) -> None:
        """Refuse terms by which a bucket never fills or a guess costs less than a payment."""
        if not (0 < self.hit_cost <= self.miss_cost <= self.capacity and self.refill_per_s > 0):
            raise ValueError(f"no bucket works by {self}")


class TokenBucket:
    """The tokens of one asker. The clock is passed in, in nanoseconds that never run back."""

    def __init__(self, terms: Terms, now_ns: int) -> None:
        """Begin full."""
        self.terms = terms
        # Counted in tokens times nanoseconds per second: filling leaves no remainder behind.
        self._level = terms.capacity * NS_PER_S
        self._filled_at_ns = now_ns

    def tokens(self, now_ns: int) -> int:
        """Return how many tokens there are; below nothing after dear questions."""
        self._fill(now_ns)
        return self._level // NS_PER_S

    def may_ask(self, questions: int, now_ns: int) -> bool:
        """Tell whether so many *questions* at once may be answered: as if all of them hit."""
        return self.tokens(now_ns) >= questions * self.terms.hit_cost

    def wait_ns(self, questions: int, now_ns: int) -> int:
        """Return how long until they may; it may be for ever, where they exceed the bucket."""
        self._fill(now_ns)
        missing = questions * self.terms.hit_cost * NS_PER_S - self._level
        return max(0, -(-missing // self.terms.refill_per_s))

    def spend(self, hits: int, misses: int, now_ns: int) -> None:
        """Take what questions that were answered cost."""
        self._fill(now_ns)
        cost = hits * self.terms.hit_cost + misses * self.terms.miss_cost
        self._level -= cost * NS_PER_S

    def _fill(self, now_ns: int) -> None:
        elapsed_ns = max(0, now_ns - self._filled_at_ns)
        self._filled_at_ns = max(now_ns, self._filled_at_ns)
        filled = self._level + elapsed_ns * self.terms.refill_per_s
        self._level = min(filled, self.terms.capacity * NS_PER_S)
