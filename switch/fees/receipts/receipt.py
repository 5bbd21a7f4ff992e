"""A receipt: that a bill was paid, signed by the switch, and where the journal has it.

What is signed is a short text of lines, which fits into a QR code with its signature, so that a
printed receipt can be checked by whoever has the switch's public key, without asking anybody. The
file beside it holds the details, whose digest is in the text, and a proof of inclusion once the
business day is closed:

    payvand receipt 1 │ agency │ fiscal year │ number │ bill │ act │ transfer │ amount │ moment
    │ digest of the details

The same payment always has the same receipt, to the byte, but for the proof.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from payvand.settlement.inclusion import Inclusion, ProofMalformed

__all__ = ["FORMAT", "Receipt", "ReceiptMalformed"]

FORMAT: Final = "payvand receipt 1"
_FIELDS: Final = (
    "agency",
    "year",
    "number",
    "bill",
    "act",
    "transfer",
    "amount",
    "paid_at",
)


class ReceiptMalformed(Exception):
    """The text is no receipt; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A signed receipt."""

    agency: str
    """The short name of its participant."""
    year: int
    """The fiscal year, Solar Hijri."""
    number: int
    """Of the agency's receipts in that year, from 1 without gaps."""
    bill: str
    """Thirty digits."""
    act: int
    """Which of the bill's acts the payment is."""
    transfer: int
    """The id of the act in the ledger."""
    amount: int
    paid_at: int
    """In nanoseconds since 1970."""
    digest: bytes
    """SHA-256 of the details."""
    public_key: bytes
    signature: bytes
    details: Mapping[str, Any] | None = None
    """What else people want to know; None where it was read from a QR code."""
    proof: Inclusion | None = None
    """That the journal's signed day has the act; None before the day is closed."""

    @classmethod
    def signed(cls, key: Ed25519PrivateKey, details: Mapping[str, Any], **fields: Any) -> Self:
        """Return the receipt of *fields*, signed with *key*."""
        unsigned = cls(
            **fields,
            digest=sha256(_canonical(details)).digest(),
            public_key=key.public_key().public_bytes_raw(),
            signature=b"",
            details=details,
        )
        names = (*_FIELDS, "digest", "public_key", "details")
        return cls(
            **{name: getattr(unsigned, name) for name in names},
            signature=key.sign(unsigned.told().encode()),
        )

    def proven(self, proof: Inclusion | None) -> "Receipt":
        """Return the receipt with a proof of inclusion."""
        return replace(self, proof=proof)

    def told(self) -> str:
        """Return the text that is signed."""
        figures = [
            *(self.agency, str(self.year), str(self.number), self.bill, str(self.act)),
            *(f"{self.transfer:032x}", str(self.amount), str(self.paid_at), self.digest.hex()),
        ]
        return "\n".join((FORMAT, *figures))

    def code(self) -> str:
        """Return what its QR code says: the signed text and the signature."""
        return f"{self.told()}\n{b64encode(self.signature).decode()}"

    def text(self) -> str:
        """Return it as a file: JSON."""
        fields = {
            "format": FORMAT,
            **{name: str(getattr(self, name)) for name in _FIELDS if name != "transfer"},
            "transfer": f"{self.transfer:032x}",
            "details": self.details,
            "public_key": self.public_key.hex(),
            "signature": self.signature.hex(),
            "proof": None if self.proof is None else json.loads(self.proof.text()),
        }
        return json.dumps(fields, ensure_ascii=False, indent=2) + "\n"

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the receipt of a file; raises `ReceiptMalformed`."""
        try:
            told = json.loads(text)
            if told["format"] != FORMAT:
                raise ValueError(f"its format isn't {FORMAT!r}")
            proof = told["proof"]
            return cls(
                agency=told["agency"],
                **{name: int(told[name]) for name in ("year", "number", "act", "amount")},
                bill=told["bill"],
                transfer=int(told["transfer"], 16),
                paid_at=int(told["paid_at"]),
                digest=sha256(_canonical(told["details"])).digest(),
                public_key=bytes.fromhex(told["public_key"]),
                signature=bytes.fromhex(told["signature"]),
                details=told["details"],
                proof=None if proof is None else Inclusion.read(json.dumps(proof, indent=2) + "\n"),
            )
        except ProofMalformed as error:
            raise ReceiptMalformed(f"its proof: {error}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ReceiptMalformed(f"it isn't a receipt: {error!r}") from error

    @classmethod
    def read_code(cls, code: str, public_key: bytes) -> Self:
        """Return the receipt of a QR code's text; raises `ReceiptMalformed`."""
        lines = code.strip().split("\n")
        if len(lines) != len(_FIELDS) + 3 or lines[0] != FORMAT:
            raise ReceiptMalformed("it isn't the text of a receipt's code")
        agency, year, number, bill, act, transfer, amount, paid_at, digest, signature = lines[1:]
        try:
            return cls(
                agency=agency,
                year=int(year),
                number=int(number),
                bill=bill,
                act=int(act),
                transfer=int(transfer, 16),
                amount=int(amount),
                paid_at=int(paid_at),
                digest=bytes.fromhex(digest),
                public_key=public_key,
                signature=b64decode(signature, validate=True),
            )
        except ValueError as error:
            raise ReceiptMalformed(f"it isn't the text of a receipt's code: {error}") from error

    def fault(self, public_key: bytes) -> str:
        """Return what doesn't hold; empty where the key's owner says that the bill was paid."""
        if self.public_key != public_key:
            return "it isn't signed by this key"
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(
                self.signature, self.told().encode()
            )
        except (InvalidSignature, ValueError):
            return "the signature isn't of this receipt"
        if self.proof is None:
            return ""
        if self.proof.payment != self.transfer:
            return "the proof is of another transfer"
        if self.proof.amount != self.amount:
            return "the proof is of another amount"
        return self.proof.check(public_key)


def _canonical(details: Mapping[str, Any]) -> bytes:
    return json.dumps(
        details, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode()
