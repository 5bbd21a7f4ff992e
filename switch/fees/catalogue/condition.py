"""A condition on the choices of a case: each fact that it names must have one of its choices."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["ALWAYS", "Condition"]


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of a case; where it names no fact, it always holds."""

    allowed: tuple[tuple[str, tuple[str, ...]], ...]
    """Each fact with the choices that fulfil it, in the order of the text."""

    def holds(self, facts: Mapping[str, int | str]) -> bool:
        """Tell whether it holds of *facts*, all of which are known."""
        return all(facts[fact] in choices for fact, choices in self.allowed)

    def __bool__(self) -> bool:
        """Tell whether it asks for anything."""
        return bool(self.allowed)

    def __str__(self) -> str:
        """Return it as people read it: `place is village or town, and payer is veteran`."""
        return ", and ".join(f"{fact} is {' or '.join(choices)}" for fact, choices in self.allowed)


ALWAYS: Final = Condition(())
