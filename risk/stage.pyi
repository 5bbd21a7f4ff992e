from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from payvand.core.records import Records
from payvand.core.stage import Stage
from payvand.risk.ensemble import Ensemble
from payvand.risk.feature_file import FeatureSet
from payvand.risk.rules import RulePack

PAYMENTS_MAX: int
"""How many payments the velocity log keeps where nothing else is asked for."""
KEYS_MAX: int
"""How many keys of each kind the features keep where nothing else is asked for."""

@dataclass(frozen=True, slots=True)
class RiskStatistics:
    """How a stage stands."""

    payments: int
    """Kept in the velocity log."""
    payments_max: int
    """When there are more, the oldest is forgotten."""
    accounts: int
    """That have a payment in the log."""
    forgotten: int
    """Payments that made room while a window still counted them; if not 0, raise payments_max."""
    bytes_per_payment: int
    """Memory at most, for each payment kept."""

class RiskStage(Stage):
    """Decide on payments by amount limits, velocity limits, block lists and expressions.

    Give it to `Engine.open(stage=…)`. Its methods may not be called while an engine uses it.
    """

    rules: RulePack
    """The rules in force."""
    uses_model: bool
    """Set to False, scores are missing and only the other rules decide: the kill switch."""
    def __new__(
        cls,
        rules: RulePack,
        features: FeatureSet | None = None,
        model: Ensemble | None = None,
        payments_max: int = ...,
        keys_max: int = ...,
    ) -> Self: ...
    @classmethod
    def from_rules(
        cls,
        rules: RulePack,
        *,
        features: FeatureSet | None = None,
        model: Ensemble | None = None,
        payments_max: int = ...,
        keys_max: int = ...,
    ) -> Self:
        """Compile a pack of rules, with the features and the model that its expressions ask for.

        *payments_max*, a power of two, and *keys_max* bound the state. Raises ValueError where the
        parts don't belong together.
        """
    def decide_records(self, transfers: Records, timestamp: int) -> npt.NDArray[np.uint32]:
        """Decide on TRANSFER[n], n at most 8,190, the last at *timestamp* → decisions u4[n]."""
    def observe_records(
        self, transfers: Records, decisions: npt.NDArray[np.uint32], timestamp: int
    ) -> None:
        """Learn of TRANSFER[n] what was decided elsewhere, u4[n]; as a replay does."""
    def statistics(self) -> RiskStatistics:
        """Return how the stage stands; not while a batch is decided on."""
    def digest(self) -> bytes:
        """Return SHA-256 of the state: equal for equal histories, however they were cut."""
