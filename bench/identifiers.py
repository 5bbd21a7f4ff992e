"""How many identifiers a second are checked, beside reading their bytes and doing nothing.

All kinds are drawn in the shapes in which they come, one in sixteen spoilt in one digit, and
checked by the array on one core. The figure is that of the slowest kind. The reference is that
kind's too: NumPy folds the same bytes into one word, which is the least that anybody does who looks
at all of them.
"""

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from payvand.bench.result import Result
from payvand.bench.workbench import Workbench
from payvand.switch.identifiers import (
    bill,
    card,
    foreign_id,
    iban,
    legal_id,
    mobile,
    national_id,
    postal_code,
    treasury,
)

__all__ = ["identifiers"]

ITEMS = 8_000_000
QUICK_ITEMS = 400_000
DISTINCT = 8_000
SPOILT_EVERY = 16
ROUNDS = 9
ROUTE_DIGITS = str.maketrans("02", "13")

Bytes = npt.NDArray[np.bytes_]


@dataclass(frozen=True, slots=True)
class _Kind:
    columns: tuple[list[str], ...]
    """Distinct texts; those of one row are checked together."""
    check: Callable[..., npt.NDArray[np.bool_]]
    """By the array."""
    check_one: Callable[..., bool]
    """One row, in plain Python."""


def identifiers(bench: Workbench, name: str) -> Result:
    """Measure each kind of identifier and return the slowest."""
    items = QUICK_ITEMS if bench.quick else ITEMS
    rates: dict[str, tuple[float, float]] = {}
    for kind_name, kind in _kinds().items():
        bench.tell(f"{name}: {kind_name}")
        columns = [_column(texts, items) for texts in kind.columns]
        rates[kind_name] = _rates(kind, columns)
        for row, answer in enumerate(kind.check(*columns)[:DISTINCT].tolist()):
            texts = [column[row].decode() for column in columns]
            bench.prove(
                f"{kind_name}: arrays and plain rules agree", answer is kind.check_one(*texts)
            )
    slowest = min(rates, key=lambda kind_name: rates[kind_name][0])
    rate, reference = rates[slowest]
    return Result(
        name,
        rate,
        "identifiers/s",
        "reading the same bytes",
        reference,
        {"slowest": slowest, "items": items}
        | {f"{kind_name}_per_s": round(rates[kind_name][0]) for kind_name in rates},
    )


def _rates(kind: _Kind, columns: list[Bytes]) -> tuple[float, float]:
    """Return how many identifiers a second are checked, and how many merely read."""
    words = [_words(column) for column in columns]
    checked: list[float] = []
    read: list[float] = []
    for _ in range(ROUNDS):
        checked.append(_seconds(lambda: kind.check(*columns)))
        read.append(_seconds(lambda: [np.bitwise_xor.reduce(column) for column in words]))
    count = sum(map(len, columns))
    return count / statistics.median(checked), count / statistics.median(read)


def _seconds(work: Callable[[], object]) -> float:
    since = time.perf_counter()
    work()
    return time.perf_counter() - since


def _column(texts: list[str], items: int) -> Bytes:
    distinct = np.array([text.encode() for text in texts])
    return np.tile(distinct, -(-items // len(texts)))[:items]


def _words(column: Bytes) -> npt.NDArray[np.uint64]:
    content = column.view(np.uint8)
    return content[: len(content) // 8 * 8].view(np.uint64)


def _kinds() -> dict[str, _Kind]:
    """Draw the identifiers of each kind, the same ones in every run."""
    chance = random.Random(1404)

    def number(length: int) -> str:
        return str(chance.randrange(10 ** (length - 1), 10**length))

    def spoilt(texts: list[str]) -> list[str]:
        for index in range(0, len(texts), SPOILT_EVERY):
            text = texts[index]
            texts[index] = text[:-1] + str((int(text[-1]) + 1) % 10)
        return texts

    def mistyped(texts: list[str]) -> list[str]:
        """Spoil what has no check digit."""
        for index in range(0, len(texts), SPOILT_EVERY):
            texts[index] = texts[index][:-1] + "O"
        return texts

    bills = [
        bill.make_payment(
            bill.make(number(chance.randint(5, 8)), number(3), chance.randrange(10)),
            chance.randint(1, 10**8 - 1) * bill.AMOUNT_STEP,
            chance.randrange(10),
            chance.randrange(100),
        )
        for _ in range(DISTINCT)
    ]
    return {
        "iban": _Kind(
            (spoilt([iban.make("0" + number(2), number(19)) for _ in range(DISTINCT)]),),
            iban.are_valid,
            iban.is_valid,
        ),
        "card": _Kind(
            (spoilt([card.make(number(15)) for _ in range(DISTINCT)]),),
            card.are_valid,
            card.is_valid,
        ),
        "national_id": _Kind(
            (spoilt([national_id.make(number(9)) for _ in range(DISTINCT)]),),
            national_id.are_valid,
            national_id.is_valid,
        ),
        "bill": _Kind(
            (
                [str(one.bill_id) for one in bills],
                spoilt([str(one.payment_id) for one in bills]),
            ),
            bill.are_valid_pairs,
            bill.is_valid_pair,
        ),
        "legal_id": _Kind(
            (spoilt([legal_id.make(number(10)) for _ in range(DISTINCT)]),),
            legal_id.are_valid,
            legal_id.is_valid,
        ),
        "foreign_id": _Kind(
            (mistyped([number(12) for _ in range(DISTINCT)]),),
            foreign_id.are_valid,
            foreign_id.is_valid,
        ),
        "postal_code": _Kind(
            (mistyped([number(10).translate(ROUTE_DIGITS) for _ in range(DISTINCT)]),),
            postal_code.are_valid,
            postal_code.is_valid,
        ),
        "mobile": _Kind(
            (
                mistyped(
                    [chance.choice(["09", "+989", "00989"]) + number(9) for _ in range(DISTINCT)]
                ),
            ),
            mobile.are_valid,
            mobile.is_valid,
        ),
        "treasury": _Kind(
            (mistyped([number(30) for _ in range(DISTINCT)]),),
            treasury.are_valid,
            treasury.is_valid,
        ),
        "treasury_own": _Kind(
            (spoilt([str(treasury.make(number(28))) for _ in range(DISTINCT)]),),
            partial(treasury.are_valid, scheme=treasury.OWN),
            partial(treasury.is_valid, scheme=treasury.OWN),
        ),
    }
