"""Replay table-form cases: rows of words that say what is asked of a ledger and what it answers.

A case is a fresh ledger and rows, collected until `commit OPERATION`, which submits them and
compares each reply. In a row `_` is a field's default, a letter before a number is for the reader
(`A1` is 1), and `-n` is the field's greatest value less n. The clock starts at 0; a batch of n
events moves it by n nanoseconds, `tick` moves it outright, a look-up doesn't.

    python -m tests.support.table_cases FILE...

replays files against the compiled and the naive ledger. It exits with 1 if any reply differed, with
2 if a file can't be read.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from payvand.core import AccountFilter, QueryFilter
from payvand.core.records import AccountFlags as AF
from payvand.core.records import TransferFlags as TF
from payvand.core.statuses import AccountStatus, QuotaStatus, TransferStatus
from tests.support.ledger_records import (
    Account,
    Books,
    CompiledLedger,
    Limit,
    Outcome,
    Quota,
    Transfer,
)
from tests.support.reference_ledger import ReferenceLedger

TIMESTAMP_MAX = 2**63 - 1
UNITS = {"nanoseconds": 1, "microseconds": 10**3, "milliseconds": 10**6, "seconds": 10**9}
UNITS |= {"minutes": 60 * 10**9, "hours": 3600 * 10**9}
# Flags are told by their word, not by their column: the order of the columns says nothing more.
ACCOUNT_FLAGS = {
    "LNK": AF.LINKED,
    "D<C": AF.DEBITS_MUST_NOT_EXCEED_CREDITS,
    "C<D": AF.CREDITS_MUST_NOT_EXCEED_DEBITS,
    "HIST": AF.HISTORY,
    "IMP": AF.IMPORTED,
    "CLSD": AF.CLOSED,
}
TRANSFER_FLAGS = {
    "LNK": TF.LINKED,
    "PEN": TF.PENDING,
    "POS": TF.POST_PENDING_TRANSFER,
    "VOI": TF.VOID_PENDING_TRANSFER,
    "BDR": TF.BALANCING_DEBIT,
    "BCR": TF.BALANCING_CREDIT,
    "CDR": TF.CLOSING_DEBIT,
    "CCR": TF.CLOSING_CREDIT,
    "IMP": TF.IMPORTED,
}
ACCOUNT_WIDTHS = (128, 128, 128, 128, 128, 128, 64, 32, 32, 32, 16)
QUOTA_WIDTHS = (128, 128, 128, 128, 128, 64, 32, 32, 16)
TRANSFER_WIDTHS = (128, 128, 128, 128, 128, 128, 64, 32, 32, 32, 16)


class CaseError(ValueError):
    """A row can't be read; the message names file, line and what is wrong."""


@dataclass(frozen=True)
class Row:
    """One row of a case with the number of its line."""

    line: int
    words: tuple[str, ...]

    def number(self, index: int, bits: int) -> int:
        """Read the word at *index* as an unsigned integer of *bits* bits."""
        word = self.words[index]
        if word == "_":
            return 0
        match = re.fullmatch(r"([A-Za-z]*)(-?)(\d+)", word)
        if match is None:
            raise CaseError(f"line {self.line}: {word!r} is not a number")
        value = int(match[3])
        return (1 << bits) - 1 - value if match[2] else value


@dataclass(frozen=True)
class Difference:
    """A reply that is not the one that its row expects."""

    line: int
    expected: str
    got: str


@dataclass
class Report:
    """What a replay saw."""

    replies: int = 0
    differences: list[Difference] = field(default_factory=list)

    def compare(self, line: int, expected: object, got: object) -> None:
        """Count one reply and keep it if it differs."""
        self.replies += 1
        if expected != got:
            self.differences.append(Difference(line, str(expected), str(got)))


def read_rows(text: str) -> list[Row]:
    """Split a case into rows, leaving out comments and empty lines."""
    rows = []
    for line, content in enumerate(text.splitlines(), start=1):
        words = content.partition("//")[0].split()
        if words:
            rows.append(Row(line, tuple(words)))
    return rows


class Replay:
    """One case under way on one ledger."""

    def __init__(self, books: Books) -> None:
        """Start a case on *books*, which must be empty."""
        self.books = books
        self.clock = 0
        self.report = Report()
        self.batch: list[Row] = []
        self.decisions: dict[int, int] = {}

    def run(self, rows: Sequence[Row]) -> Report:
        """Replay all *rows* and return what was seen."""
        for row in rows:
            match row.words[0]:
                case "setup":
                    balances = tuple(row.number(index, 128) for index in range(2, 6))
                    self.books.set_balances(row.number(1, 128), balances)  # type: ignore[arg-type]
                case "tick":
                    self._tick(row)
                case "commit":
                    self._commit(row)
                case _:
                    self.batch.append(row)
        if self.batch:
            raise CaseError(f"line {self.batch[0].line}: rows without a commit")
        return self.report

    def _tick(self, row: Row) -> None:
        count, unit = int(row.words[1]), UNITS[row.words[2]]
        if count < 0:
            self.clock = TIMESTAMP_MAX + count * unit
        else:
            self.clock += count * unit

    def _commit(self, row: Row) -> None:
        operation = row.words[1]
        batch, self.batch = self.batch, []
        steps: dict[str, Callable[[list[Row]], None]] = {
            "create_accounts": self._create_accounts,
            "create_transfers": self._create_transfers,
            "set_limits": self._set_limits,
            "set_quotas": self._set_quotas,
            "lookup_accounts": self._lookup_accounts,
            "lookup_transfers": self._lookup_transfers,
            "get_account_transfers": self._account_transfers,
            "get_account_balances": self._account_balances,
            "query_accounts": self._query_accounts,
            "query_transfers": self._query_transfers,
        }
        if operation not in steps:
            raise CaseError(f"line {row.line}: unknown operation {operation!r}")
        steps[operation](batch)
        self.clock = max(self.clock, self.books.timestamp)

    def _create_accounts(self, batch: list[Row]) -> None:
        outcomes = self.books.create_accounts([_account(row) for row in batch], self.clock)
        self._compare(batch, outcomes, AccountStatus)

    def _create_transfers(self, batch: list[Row]) -> None:
        rows = [row for row in batch if row.words[0] == "transfer"]
        events = [_transfer(row) for row in rows]
        declined = {row.number(1, 128) for row in batch if row.words[0] == "decline"}
        decisions = [2 if event.id in declined else 0 for event in events]
        outcomes = self.books.create_transfers(events, self.clock, decisions)
        self._compare(rows, outcomes, TransferStatus)

    def _set_limits(self, batch: list[Row]) -> None:
        events = [Limit(row.number(1, 128), row.number(2, 128)) for row in batch]
        for row, outcome in zip(batch, self.books.set_limits(events, self.clock), strict=True):
            expected = "created" if row.words[3] == "created" else row.words[3]
            names = {1: "account_not_found", 2: "account_has_no_limited_side"}
            self.report.compare(row.line, expected, names.get(outcome.status, "created"))

    def _set_quotas(self, batch: list[Row]) -> None:
        outcomes = self.books.set_quotas([_quota(row) for row in batch], self.clock)
        self._compare(batch, outcomes, QuotaStatus)

    def _compare(
        self,
        rows: list[Row],
        outcomes: list[Outcome],
        statuses: type[AccountStatus] | type[TransferStatus] | type[QuotaStatus],
    ) -> None:
        for row, outcome in zip(rows, outcomes, strict=True):
            self.report.compare(row.line, row.words[-1], statuses(outcome.status).name.lower())

    def _lookup_accounts(self, batch: list[Row]) -> None:
        self.books.expire(self.clock)
        for row in batch:
            found = self.books.lookup_accounts([row.number(1, 128)])
            if len(row.words) == 3:
                self.report.compare(row.line, [], found)
                continue
            expected = [row.number(index, 128) for index in range(2, 6)]
            self.report.compare(
                row.line,
                [(*expected, row.words[6] == "CLSD")],
                [
                    (
                        account.debits_pending,
                        account.debits_posted,
                        account.credits_pending,
                        account.credits_posted,
                        bool(account.flags & AF.CLOSED),
                    )
                    for account in found
                ],
            )

    def _lookup_transfers(self, batch: list[Row]) -> None:
        self.books.expire(self.clock)
        for row in batch:
            found = self.books.lookup_transfers([row.number(1, 128)])
            what, expected = row.words[2], row.words[3]
            if what == "exists":
                self.report.compare(row.line, expected == "true", bool(found))
            elif what in ("amount", "timestamp"):
                bits = 128 if what == "amount" else 64
                got = [getattr(transfer, what) for transfer in found]
                self.report.compare(row.line, [row.number(3, bits)], got)
            else:
                raise CaseError(f"line {row.line}: unknown property {what!r}")

    # Queries: one row that asks, then one for each record expected, in their order.

    def _account_transfers(self, batch: list[Row]) -> None:
        filter = self._account_filter(batch[0])
        found = self.books.account_transfers(filter)
        self._compare_ids(batch, [transfer.id for transfer in found])

    def _account_balances(self, batch: list[Row]) -> None:
        filter = self._account_filter(batch[0])
        ids = {transfer.timestamp: transfer.id for transfer in self._all_transfers()}
        names = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")
        found = [
            (ids[row.timestamp], *(getattr(row, name) for name in names))
            for row in self.books.account_balances(filter)
        ]
        expected = [tuple(row.number(index, 128) for index in range(1, 6)) for row in batch[1:]]
        self.report.compare(batch[0].line, expected, found)

    def _query_accounts(self, batch: list[Row]) -> None:
        found = self.books.query_accounts(self._query_filter(batch[0]))
        self._compare_ids(batch, [account.id for account in found])

    def _query_transfers(self, batch: list[Row]) -> None:
        found = self.books.query_transfers(self._query_filter(batch[0]))
        self._compare_ids(batch, [transfer.id for transfer in found])

    def _compare_ids(self, batch: list[Row], found: list[int]) -> None:
        self.report.compare(batch[0].line, [row.number(1, 128) for row in batch[1:]], found)

    def _account_filter(self, row: Row) -> AccountFilter:
        if not row.words[0].startswith("get_account_") or len(row.words) != 12:
            raise CaseError(f"line {row.line}: not a question for an account")
        return AccountFilter(
            account_id=row.number(1, 128),
            user_data_128=row.number(2, 128),
            user_data_64=row.number(3, 64),
            user_data_32=row.number(4, 32),
            code=row.number(5, 16),
            timestamp_min=self._moment(row, 6),
            timestamp_max=self._moment(row, 7),
            limit=row.number(8, 32),
            debits=row.words[9] == "DR",
            credits=row.words[10] == "CR",
            reversed=row.words[11] == "REV",
        )

    def _query_filter(self, row: Row) -> QueryFilter:
        if not row.words[0].startswith("query_") or len(row.words) != 10:
            raise CaseError(f"line {row.line}: not a question")
        return QueryFilter(
            user_data_128=row.number(1, 128),
            user_data_64=row.number(2, 64),
            user_data_32=row.number(3, 32),
            ledger=row.number(4, 32),
            code=row.number(5, 16),
            timestamp_min=self._moment(row, 6),
            timestamp_max=self._moment(row, 7),
            limit=row.number(8, 32),
            reversed=row.words[9] == "REV",
        )

    def _moment(self, row: Row, index: int) -> int:
        """Read a time, told by the id of the transfer or account that bears it."""
        if "-" in row.words[index]:
            return row.number(index, 64)
        id = row.number(index, 128)
        named: list[Account] | list[Transfer] = self.books.lookup_transfers([id])
        if row.words[0] == "query_accounts" or not named:
            named = self.books.lookup_accounts([id]) or named
        return named[0].timestamp if named else id

    def _all_transfers(self) -> list[Transfer]:
        return self.books.query_transfers(QueryFilter())


def _flags(row: Row, first: int, last: int, flags: Mapping[str, int]) -> int:
    """Read a row's flags from the words *first* to *last*, where the padding bits stand."""
    value = 0
    for word in row.words[first:last]:
        if word != "_":
            if word not in flags:
                raise CaseError(f"line {row.line}: {word!r} is not a flag")
            value |= flags[word]
    return value | row.number(last, 16 - len(flags)) << len(flags)


def _account(row: Row) -> Account:
    if row.words[0] != "account" or len(row.words) != 21:
        raise CaseError(f"line {row.line}: not a row of an account")
    numbers = [row.number(index, bits) for index, bits in enumerate(ACCOUNT_WIDTHS, start=1)]
    flags = _flags(row, 12, 18, ACCOUNT_FLAGS)
    return Account(*numbers, flags=flags, timestamp=row.number(19, 64))


def _quota(row: Row) -> Quota:
    if row.words[0] != "quota" or len(row.words) != 13:
        raise CaseError(f"line {row.line}: not a row of a quota")
    numbers = [row.number(index, bits) for index, bits in enumerate(QUOTA_WIDTHS, start=1)]
    id, debit, credit, amount_max, sum_max, codes, period, offset, event = numbers
    return Quota(
        id,
        debit,
        credit,
        amount_max,
        sum_max,
        codes=codes,
        period=period,
        offset=offset,
        event=event,
        flags=int(row.words[10] == "NET") | row.number(11, 15) << 1,
    )


def _transfer(row: Row) -> Transfer:
    if row.words[0] != "transfer" or len(row.words) != 24:
        raise CaseError(f"line {row.line}: not a row of a transfer")
    numbers = [row.number(index, bits) for index, bits in enumerate(TRANSFER_WIDTHS, start=1)]
    flags = _flags(row, 12, 21, TRANSFER_FLAGS)
    return Transfer(*numbers, flags=flags, timestamp=row.number(22, 64))


def replay(path: Path, books: Books) -> Report:
    """Replay the case of one file on *books*."""
    return Replay(books).run(read_rows(path.read_text(encoding="utf-8")))


def main(arguments: Sequence[str]) -> int:
    """Replay files and print what differed; return the exit code."""
    failed = not arguments
    for argument in arguments:
        for name, books in (("ledger", CompiledLedger()), ("reference", ReferenceLedger())):
            try:
                report = replay(Path(argument), books)
            except (CaseError, OSError, UnicodeDecodeError) as error:
                print(f"{argument}: {error}", file=sys.stderr)
                return 2
            verdict = "differs" if report.differences else "agrees"
            print(f"{name:9} {verdict:7} {report.replies:4} replies {argument}")
            for difference in report.differences:
                print(f"  line {difference.line}: {difference.expected} != {difference.got}")
            failed = failed or bool(report.differences)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
