"""The naive risk stage: the same law as `payvand.risk.stage`, by looking at the whole history."""

from dataclasses import dataclass, field

from payvand.core.records import Records, TransferFlags, u128_of
from payvand.risk.rules import Action, AmountRule, BlockedRule, Rule, RulePack, VelocityRule


@dataclass(frozen=True, slots=True)
class Payment:
    """What rules look at."""

    id: int
    debtor: int
    creditor: int
    amount: int
    ledger: int
    code: int
    timestamp: int


@dataclass(slots=True)
class ReferenceStage:
    """Decide payment by payment; remember all that passed."""

    rules: RulePack
    passed: list[Payment] = field(default_factory=list)

    def decide(self, transfers: Records, timestamp: int) -> list[int]:
        """Return the decisions on a batch whose last event has *timestamp*."""
        first = timestamp - len(transfers) + 1
        return [self._decide_one(row, first + place) for place, row in enumerate(transfers)]

    def _decide_one(self, row: Records, timestamp: int) -> int:
        ends = TransferFlags.POST_PENDING_TRANSFER | TransferFlags.VOID_PENDING_TRANSFER
        if not 1 <= row["code"] <= 9 or int(row["flags"]) & ends:
            return 0
        payment = Payment(
            u128_of(row["id"]),
            int(row["user_data_64"]),
            int(row["user_data_128"]["hi"]),
            u128_of(row["amount"]),
            int(row["ledger"]),
            int(row["code"]),
            timestamp,
        )
        counts = payment.debtor != 0 and all(other.id != payment.id for other in self.passed)
        broken = [rule for rule in self.rules.rules if self._breaks(rule, payment, counts)]
        worst = max((rule.action for rule in broken), default=Action.ALLOW)
        if counts and worst is not Action.DECLINE:
            self.passed.append(payment)
        named = min((rule.number for rule in broken if rule.action is worst), default=0)
        return named << 2 | worst

    def _breaks(self, rule: Rule, payment: Payment, counts: bool) -> bool:
        if not (rule.valid_from <= payment.timestamp < rule.valid_to):
            return False
        if not _looks_at(rule, payment):
            return False
        match rule:
            case AmountRule():
                return payment.amount > rule.amount_max
            case BlockedRule():
                return payment.debtor in rule.debtors or payment.creditor in rule.creditors
            case VelocityRule():
                inside = [
                    other.amount
                    for other in self.passed
                    if other.debtor == payment.debtor
                    and other.timestamp > payment.timestamp - rule.width_ns
                    and _looks_at(rule, other)
                ]
                too_many = len(inside) + 1 > rule.count_max
                limit = rule.amount_max
                too_much = limit is not None and sum(inside) + payment.amount > limit
                return counts and (too_many or too_much)
        raise AssertionError(rule)


def _looks_at(rule: Rule, payment: Payment) -> bool:
    ledger = getattr(rule, "ledger", 0)
    return bool(rule.codes >> payment.code & 1) and ledger in (0, payment.ledger)
