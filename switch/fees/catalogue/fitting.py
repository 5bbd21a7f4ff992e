"""Whether the rows of a schedule fit together: what one names must be there, whenever it holds."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from payvand.switch.fees.catalogue.condition import Condition
from payvand.switch.fees.catalogue.row_fields import first_gap
from payvand.switch.fees.catalogue.schedule import (
    AMOUNT,
    BANDED,
    CHOICE,
    COUNT,
    FIXED,
    PAYER,
    PER_UNIT,
    PERCENTAGE,
    RANGED,
    RELATIONAL,
    Fee,
    Schedule,
    Service,
    Share,
    ShareTree,
)
from payvand.switch.rules.solar_hijri import solar_text
from payvand.switch.rules.table_row import RulesError
from payvand.switch.rules.validity import Validity

__all__ = ["check_fit"]

FACT_KINDS_OF = {
    PER_UNIT: (COUNT,),
    PERCENTAGE: (AMOUNT,),
    BANDED: (AMOUNT, COUNT),
    RANGED: (AMOUNT, COUNT),
}
"""On facts of which kinds a fee of each kind may depend."""


def check_fit(schedule: Schedule, trees: Sequence[ShareTree]) -> None:
    """Raise `RulesError` where rows of *schedule* don't fit together.

    Args:
        schedule: read, each row right in itself.
        trees: its share trees in the order of the text, for the paths of faults.
    """
    for index, tree in enumerate(trees):
        for path, share in _walk(f"share_tree[{index}]", tree.root):
            if share.beneficiary and share.beneficiary not in schedule.beneficiaries:
                hint = f"no [[beneficiary]] has the code {share.beneficiary}"
                raise _fault(f"{path}.beneficiary", "fees.unknown", hint)
    for index, service in enumerate(schedule.services.values()):
        _Fit(schedule, service, f"service[{index}]").check()


class _Fit:
    """The rows of one service, beside the schedule that it is of."""

    def __init__(self, schedule: Schedule, service: Service, path: str) -> None:
        self._schedule = schedule
        self._service = service
        self._path = path
        self._choices: dict[str, tuple[str, ...]] = {
            fact.code: fact.choices for fact in service.facts.values() if fact.kind == CHOICE
        }
        self._choices[PAYER] = tuple(schedule.payer_classes)

    def check(self) -> None:
        seen: dict[str, None] = {}
        for index, fee in enumerate(self._service.fees):
            path = f"{self._path}.fee[{index}]"
            self._check_of(fee, path, seen)
            self._check_condition(fee.condition, f"{path}.when")
            self._check_tree(fee.share_tree, fee.validity, f"{path}.share_tree")
            if fee.value_added:
                tree_path = f"{path}.value_added.share_tree"
                self._check_tree(fee.value_added.share_tree, fee.validity, tree_path)
            seen[fee.code] = None
        for index, reduction in enumerate(self._service.reductions):
            path = f"{self._path}.reduction[{index}]"
            self._check_fees(reduction.fees, seen, path)
            self._check_condition(reduction.condition, f"{path}.when")
        for index, late in enumerate(self._service.lates):
            path = f"{self._path}.late[{index}]"
            self._check_fees(late.fees, seen, path)
            if late.share_tree:
                self._check_tree(late.share_tree, late.validity, f"{path}.share_tree")
        for index, rebate in enumerate(self._service.rebates):
            self._check_fees(rebate.fees, seen, f"{self._path}.rebate[{index}]")

    def _check_of(self, fee: Fee, path: str, seen: Mapping[str, None]) -> None:
        if fee.kind == FIXED:
            return
        if fee.kind == RELATIONAL:
            if fee.of not in seen or fee.of == fee.code:
                hint = f"it is a part of a fee above it in the service, and {fee.of} is none"
                raise _fault(f"{path}.of", "fees.relation", hint)
            rows = [one.validity for one in self._service.fees if one.code == fee.of]
            gap = first_gap(fee.validity, rows)
            if gap is not None:
                raise _fault(f"{path}.of", "fees.gap", f"{fee.of} has no row {_when(gap)}")
            return
        fact = self._service.facts.get(fee.of)
        if fact is None or fact.kind not in FACT_KINDS_OF[fee.kind]:
            wanted = " or ".join(FACT_KINDS_OF[fee.kind])
            hint = f"a {fee.kind} fee depends on a [[service.fact]] of the kind {wanted}"
            raise _fault(f"{path}.of", "fees.fact", hint)

    def _check_condition(self, condition: Condition, path: str) -> None:
        for fact, choices in condition.allowed:
            known = self._choices.get(fact)
            if known is None:
                hint = f"{fact} is no [[service.fact]] of the kind choice, and not {PAYER}"
                raise _fault(f"{path}.{fact}", "fees.fact", hint)
            for choice in choices:
                if choice not in known:
                    hint = (
                        f"{choice} is none of its choices: {', '.join(known) or 'there are none'}"
                    )
                    raise _fault(f"{path}.{fact}", "fees.unknown", hint)

    def _check_tree(self, code: str, needed: Validity, path: str) -> None:
        rows = self._schedule.share_trees.get(code)
        if rows is None:
            raise _fault(path, "fees.unknown", f"no [[share_tree]] has the code {code}")
        gap = first_gap(needed, [row.validity for row in rows])
        if gap is not None:
            hint = f"{code} has no row {_when(gap)}, when this is charged"
            raise _fault(path, "fees.gap", hint)
        for row in rows:
            for _, share in _walk("", row.root):
                self._check_condition(share.condition, path)

    def _check_fees(self, codes: frozenset[str], known: Mapping[str, None], path: str) -> None:
        for code in sorted(codes):
            if code not in known:
                hint = f"{code} is no fee of this service: {', '.join(known)}"
                raise _fault(f"{path}.fees", "fees.unknown", hint)


def _walk(path: str, node: Share) -> Iterator[tuple[str, Share]]:
    for index, share in enumerate(node.shares):
        inner = f"{path}.share[{index}]"
        yield inner, share
        yield from _walk(inner, share)


def _when(day: date) -> str:
    return "from the beginning" if day == date.min else f"on {solar_text(day)}"


def _fault(path: str, rule: str, hint: str) -> RulesError:
    return RulesError(path, rule, hint, is_between_rows=True)
