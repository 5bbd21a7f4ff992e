"""One payment instruction of a file: the fields of the contract and the place it was read from.

Both readers end in `compose`, so a limit of the contract is checked in one place. What an IBAN is
and whose it is, the switch decides; here it is only kept from being absurdly long.

Ids. A payment's id is its idempotency key, so the same file sent twice must give the same ids. It
is a BLAKE2b digest of 16 bytes over the parts that name the instruction, each part as UTF-8
with its length in bytes before it as four bytes, big-endian; the topmost bit is cleared, as ids
with that bit are the switch's own. The
parts and the BLAKE2b personalisation are named by each reader. The amount and the creditor are
left out on purpose: an instruction that comes again under the same name with other content is
refused by the switch, instead of being paid twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from payvand.switch.files.normalise import (
    normalise_amount,
    normalise_identifier,
    normalise_text,
)
from payvand.switch.units import UNITS, AmountError, unit_of
from payvand.v1.payment_pb2 import Payment, PaymentKind

__all__ = [
    "BILL_REFERENCE_LENGTH_MAX",
    "END_TO_END_ID_LENGTH_MAX",
    "IBAN_LENGTH_MAX",
    "ID_BYTES",
    "KINDS",
    "KIND_CREDIT_TRANSFER",
    "KIND_FEE",
    "NAME_LENGTH_MAX",
    "REMITTANCE_LENGTH_MAX",
    "FileError",
    "Instruction",
    "LineError",
    "Unreadable",
    "compose",
    "id_from_digest",
    "length_prefixed",
    "to_payment",
]

ID_BYTES = 16
END_TO_END_ID_LENGTH_MAX = 35
NAME_LENGTH_MAX = 140
REMITTANCE_LENGTH_MAX = 140
BILL_REFERENCE_LENGTH_MAX = 35
IBAN_LENGTH_MAX = 34
"""The longest IBAN of any country (ISO 13616); ours are shorter and the switch sees to that."""

KIND_CREDIT_TRANSFER: PaymentKind = PaymentKind.PAYMENT_KIND_CREDIT_TRANSFER
KIND_FEE: PaymentKind = PaymentKind.PAYMENT_KIND_FEE
KINDS: Mapping[str, PaymentKind] = MappingProxyType(
    {"credit_transfer": KIND_CREDIT_TRANSFER, "fee": KIND_FEE}
)
"""The kinds by the name that files and people use."""


class FileError(Exception):
    """A file cannot be used as a whole, and nothing of it may be submitted.

    `rule` is the stable id of the broken rule, `line` where it shows (0 where no line does),
    `hint` what to do about it. The fault is the file's, never the reader's.
    """

    def __init__(self, rule: str, hint: str, *, line: int = 0) -> None:
        super().__init__(f"{rule} in line {line}: {hint}" if line else f"{rule}: {hint}")
        self.rule = rule
        self.hint = hint
        self.line = line


@dataclass(frozen=True, slots=True)
class Instruction:
    """A payment as a file instructs it: the fields of the contract's `Payment` and its place."""

    id: bytes
    """16 bytes, big-endian, the topmost bit clear."""
    kind: PaymentKind
    debtor_iban: str
    creditor_iban: str
    amount: int
    """Minor units of `unit`, 1 to 2**64 - 1."""
    unit: str
    end_to_end_id: str
    debtor_name: str
    creditor_name: str
    remittance: str
    bill_reference: str
    line: int
    """Where it starts in the file, counted from 1; 0 where the parser cannot say."""
    position: int
    """Which instruction of the file it is, counted from 1, unreadable ones included."""


@dataclass(frozen=True, slots=True)
class LineError:
    """An instruction of a file that cannot be read; the others stand on their own."""

    line: int
    """Where the instruction starts in the file, counted from 1; 0 where the parser cannot say."""
    position: int
    """Which instruction of the file it is, counted from 1."""
    path: str
    """The field that broke the rule: a path of elements in pain.001, a column in CSV."""
    rule: str
    """The rule's stable id, for example `amount.fraction`."""
    hint: str
    """What to do about it, for people."""
    end_to_end_id: str = ""
    """The instruction's own reference, where it could be read."""


class Unreadable(Exception):
    """Inside the readers: an instruction broke a rule; becomes a `LineError`."""

    def __init__(self, field: str, rule: str, hint: str) -> None:
        super().__init__(field, rule, hint)
        self.field = field
        self.rule = rule
        self.hint = hint


def compose(
    *,
    id: bytes,
    kind: PaymentKind,
    debtor_iban: str,
    creditor_iban: str,
    amount: str,
    unit: str,
    end_to_end_id: str,
    debtor_name: str,
    creditor_name: str,
    remittance: str,
    bill_reference: str,
    line: int,
    position: int,
) -> Instruction:
    """Return the instruction that the texts of a file say, or raise `Unreadable`.

    Nothing is cut to fit: a text that is too long for the contract would arrive maimed, so it is
    refused by name.
    """
    debtor_iban = normalise_identifier(debtor_iban)
    creditor_iban = normalise_identifier(creditor_iban)
    try:
        minor = (UNITS.get(unit) or unit_of(unit)).parse(normalise_amount(amount))
    except AmountError as error:
        field = "unit" if error.rule == "unit.unknown" else "amount"
        raise Unreadable(field, error.rule, error.hint) from None
    end_to_end_id = end_to_end_id.strip()
    debtor_name = normalise_text(debtor_name)
    creditor_name = normalise_text(creditor_name)
    remittance = normalise_text(remittance)
    bill_reference = bill_reference.strip()
    if (
        minor == 0
        or not 0 < len(debtor_iban) <= IBAN_LENGTH_MAX
        or not 0 < len(creditor_iban) <= IBAN_LENGTH_MAX
        or len(end_to_end_id) > END_TO_END_ID_LENGTH_MAX
        or len(debtor_name) > NAME_LENGTH_MAX
        or len(creditor_name) > NAME_LENGTH_MAX
        or len(remittance) > REMITTANCE_LENGTH_MAX
        or len(bill_reference) > BILL_REFERENCE_LENGTH_MAX
        or not f"{end_to_end_id}{bill_reference}".isprintable()
        or not f"{debtor_name}{creditor_name}{remittance}".isprintable()
    ):
        if minor == 0:
            raise Unreadable("amount", "amount.zero", "an amount is greater than zero")
        _refuse_texts(
            debtor_iban=(debtor_iban, IBAN_LENGTH_MAX),
            creditor_iban=(creditor_iban, IBAN_LENGTH_MAX),
            end_to_end_id=(end_to_end_id, END_TO_END_ID_LENGTH_MAX),
            debtor_name=(debtor_name, NAME_LENGTH_MAX),
            creditor_name=(creditor_name, NAME_LENGTH_MAX),
            remittance=(remittance, REMITTANCE_LENGTH_MAX),
            bill_reference=(bill_reference, BILL_REFERENCE_LENGTH_MAX),
        )
    return Instruction(
        id,
        kind,
        debtor_iban,
        creditor_iban,
        minor,
        unit,
        end_to_end_id,
        debtor_name,
        creditor_name,
        remittance,
        bill_reference,
        line,
        position,
    )


def _refuse_texts(**texts: tuple[str, int]) -> None:
    """Raise for the first text that is missing, too long or holds control characters, if any.

    Marks that are invisible but belong to Persian script, such as the zero-width non-joiner, are
    not printable to Python and pass here.
    """
    for field, (text, length_max) in texts.items():
        is_iban = field.endswith("_iban")
        if is_iban and not text:
            raise Unreadable(field, "iban.missing", "give the account as an IBAN")
        if len(text) > length_max:
            rule = "iban.length" if is_iban else f"{field}.length"
            raise Unreadable(field, rule, f"at most {length_max} characters, not {len(text)}")
        if any(character < " " or character == "\x7f" for character in text):
            raise Unreadable(field, "text.characters", "remove the control characters")


def length_prefixed(*parts: str) -> bytes:
    """Return the parts as UTF-8, each with its length in bytes before it (four, big-endian)."""
    encoded = [part.encode() for part in parts]
    return b"".join([len(part).to_bytes(4, "big") + part for part in encoded])


def id_from_digest(digest: bytes) -> bytes:
    """Return the 16 bytes of *digest* as a payment's id: with the topmost bit cleared."""
    return digest if digest[0] < 0x80 else bytes((digest[0] & 0x7F,)) + digest[1:]


def to_payment(instruction: Instruction) -> Payment:
    """Return the contract's message for *instruction*."""
    return Payment(
        id=instruction.id,
        kind=instruction.kind,
        debtor_iban=instruction.debtor_iban,
        creditor_iban=instruction.creditor_iban,
        amount=instruction.amount,
        unit=instruction.unit,
        end_to_end_id=instruction.end_to_end_id,
        debtor_name=instruction.debtor_name,
        creditor_name=instruction.creditor_name,
        remittance=instruction.remittance,
        bill_reference=instruction.bill_reference,
    )
