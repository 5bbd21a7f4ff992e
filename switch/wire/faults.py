"""Which rule of the contract a payment breaks, in its words: numbers of the decoder → refusals."""

from enum import IntEnum
from typing import Final

import numpy as np

from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.core.records import Records
from payvand.switch.routing import Route, Routing
from payvand.switch.units import UNITS

__all__ = [
    "FAULT",
    "FIELD_NAMES",
    "PAYMENT_BYTES_MAX",
    "RequestMalformed",
    "Rule",
    "explain",
    "too_many",
]

FAULT: Final = np.dtype([("index", "<u4"), ("field", "<u4"), ("rule", "<u4"), ("detail", "<u4")])
"""As `Fault` of `instruction.pxd`: a payment of the request, the numbers of the field and the rule
that it breaks, and a length, a size, a bank code or a row of the table of routes."""

FIELD_NAMES: Final = (
    "",
    "id",
    "kind",
    "debtor_iban",
    "creditor_iban",
    "amount",
    "unit",
    "end_to_end_id",
    "debtor_name",
    "creditor_name",
    "remittance",
    "bill_reference",
    "original_id",
    "reason_code",
    "reserved",
)
"""By the number of the field; the whole payment is nothing, the last is of packed records alone."""

_LENGTHS_MAX: Final = {7: 35, 8: 140, 9: 140, 10: 140, 11: 35}
PAYMENT_BYTES_MAX: Final = 2_560
"""A message whose every field is full, in the longest UTF-8, has some 2,100; more than this are
fields that the contract doesn't know."""


class Rule(IntEnum):
    """As `Rule` of `instruction.pxd`, in the order of precedence."""

    RESERVED = 1
    TEXT_ENCODING = 2
    ID_FORM = 3
    KIND_UNKNOWN = 4
    RETURN_SERVICE = 5
    IBAN_LENGTH = 6
    IBAN_COUNTRY = 7
    IBAN_CHARACTERS = 8
    IBAN_CHECK_DIGITS = 9
    DEBTOR_UNKNOWN = 10
    NOT_YOURS = 11
    ROUTE_UNKNOWN = 12
    SAME_PARTICIPANT = 13
    DEBTOR_SUSPENDED = 14
    CREDITOR_SUSPENDED = 15
    AMOUNT_ZERO = 16
    UNIT_UNKNOWN = 17
    UNIT_PARTICIPANT = 18
    TEXT_LENGTH = 19
    TEXT_CHARACTERS = 20
    PAYMENT_SIZE = 21


class RequestMalformed(Exception):
    """A request as a whole breaks the contract; nothing of it was recorded.

    `rule` is the id of the broken rule, `text` says what to do, `field` is a path or empty.
    """

    def __init__(self, rule: str, text: str, *, field: str = "") -> None:
        super().__init__(": ".join(part for part in (field, rule, text) if part))
        self.rule = rule
        self.text = text
        self.field = field


def too_many(field: str, count: int) -> RequestMalformed:
    """Return the fault of a request that holds more than one batch in *field*."""
    return RequestMalformed(
        "batch.size",
        f"{count:,} are more than {BATCH_EVENTS_MAX:,}: send them in several requests",
        field=field,
    )


def explain(fault: Records, debtor: Route, routing: Routing) -> tuple[str, str, str]:
    """Return field, rule and hint of one FAULT among the payments of *debtor*, as routed."""
    field, rule, detail = int(fault["field"]), int(fault["rule"]), int(fault["detail"])
    name = FIELD_NAMES[field]
    match rule:
        case Rule.RESERVED:
            return name, "packed.reserved", "leave the reserved bytes of a record zero"
        case Rule.TEXT_ENCODING:
            return name, "text.encoding", "write texts in UTF-8"
        case Rule.ID_FORM:
            hint = "16 bytes, not all zero, the topmost bit clear: a UUIDv7 will do"
            return name, "id.form", hint
        case Rule.KIND_UNKNOWN:
            hint = "say what the payment is for: credit transfer or fee"
            return name, "kind.unknown", hint
        case Rule.RETURN_SERVICE:
            return name, "return.service", "a return or a recall is made by ReturnService"
        case Rule.IBAN_LENGTH:
            return name, "iban.length", f"an IBAN has 26 characters, not {detail}"
        case Rule.IBAN_COUNTRY:
            return name, "iban.country", "an IBAN of this switch starts with IR"
        case Rule.IBAN_CHARACTERS:
            return name, "iban.characters", "after IR come ASCII digits only"
        case Rule.IBAN_CHECK_DIGITS:
            hint = "the check digits do not fit; look for a typing slip"
            return name, "iban.check_digits", hint
        case Rule.DEBTOR_UNKNOWN | Rule.NOT_YOURS:
            if rule == Rule.DEBTOR_UNKNOWN:
                refusal = routing.refusal_of_code(f"{detail:03}")
                if refusal.rule != "route.unknown":
                    return name, refusal.rule, refusal.hint
            return name, "route.not_yours", "debit only accounts that you hold"
        case Rule.ROUTE_UNKNOWN:
            refusal = routing.refusal_of_code(f"{detail:03}")
            return name, refusal.rule, refusal.hint
        case Rule.SAME_PARTICIPANT:
            hint = "both accounts are yours: book it yourself, the switch moves nothing"
            return name, "route.same_participant", hint
        case Rule.DEBTOR_SUSPENDED if debtor.must_sign:
            hint = "your payments are signed: send them by SignatureService.SubmitSigned"
            return name, "signature.required", hint
        case Rule.DEBTOR_SUSPENDED:
            return name, "participant.suspended", "you may send no payments now: ask the operator"
        case Rule.CREDITOR_SUSPENDED if routing.by_name[
            routing.table.routes[detail].name
        ].signed_off:
            hint = f"{routing.table.routes[detail].name} takes nothing new now: try again later"
            return name, "participant.signed_off", hint
        case Rule.CREDITOR_SUSPENDED:
            hint = f"{routing.table.routes[detail].name} takes no payments now: try again later"
            return name, "participant.suspended", hint
        case Rule.AMOUNT_ZERO:
            return name, "amount.zero", "an amount is greater than zero"
        case Rule.UNIT_UNKNOWN:
            return name, "unit.unknown", "the switch keeps books in " + ", ".join(UNITS)
        case Rule.UNIT_PARTICIPANT:
            unit = routing.table.routes[detail].unit
            hint = f"the debtor's bank is in {debtor.unit}, the creditor's in {unit}"
            return name, "unit.participant", hint
        case Rule.TEXT_LENGTH:
            hint = f"at most {_LENGTHS_MAX[field]} characters, not {detail}"
            return name, f"{name}.length", hint
        case Rule.TEXT_CHARACTERS:
            return name, "text.characters", "remove the control characters"
        case Rule.PAYMENT_SIZE:
            hint = f"it has {detail} bytes, at most {PAYMENT_BYTES_MAX}: remove unknown fields"
            return name, "payment.size", hint
    raise AssertionError(f"no rule has the number {rule}")
