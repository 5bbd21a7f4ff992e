"""Decisions read back: what a journaled u32 says, in words.

A decision holds the action in its two lowest bits and the number of the rule that led to it above
them; 0 is "allowed". The strongest action wins, and among rules of one action the lowest number.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from payvand.risk.rules import Action, RulePack

__all__ = ["Reasons", "RiskReason"]

UNKNOWN_REASON = "NARR"
"""ISO 20022: the reason is given in the text."""


@dataclass(frozen=True, slots=True)
class RiskReason:
    """What a decision says."""

    action: Action
    rule_number: int
    """0 where the payment was allowed."""
    rule_id: str
    """Empty where it was allowed; `rule-<number>` where no pack knows the rule."""
    reason: str
    """An ISO 20022 external status reason code; empty where it was allowed."""
    text: Mapping[str, str]
    """By language: `en`, `fa`; empty where it was allowed."""


class Reasons:
    """Explain decisions, by every pack that was ever in force: numbers are never reused."""

    def __init__(self, *packs: RulePack) -> None:
        """Take over the rules; of a number in several packs the last one's words count."""
        self._rules = {rule.number: rule for pack in packs for rule in pack.rules}

    def explain(self, decision: int) -> RiskReason:
        """Return what a decision says."""
        action = Action(decision & 3)
        number = decision >> 2
        if action is Action.ALLOW:
            return RiskReason(action, 0, "", "", {})
        rule = self._rules.get(number)
        if rule is None:
            text = {"en": f"Rule {number}", "fa": f"قاعدهٔ {number}"}
            return RiskReason(action, number, f"rule-{number}", UNKNOWN_REASON, text)
        return RiskReason(action, number, rule.id, rule.reason, rule.text)
