"""Finding bills, and telling how each stands by the ledger as it is now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from payvand.core.engine import Engine
from payvand.settlement.database import Executor, Pool
from payvand.switch.fees.bills.bill import Bill, BillRefused
from payvand.switch.fees.bills.bill_rows import COLUMNS, bill_of
from payvand.switch.fees.bills.notice import Notice, insert_notices, read_notices
from payvand.switch.fees.bills.number import act_ids, parse_number
from payvand.switch.fees.bills.reckoning import reckoned
from payvand.switch.fees.bills.standing import Act, read_acts
from payvand.switch.fees.bills.state import Standing, stand
from payvand.switch.fees.bills.tariff import Tariff, TermsOf
from payvand.switch.identifiers import treasury
from payvand.switch.identifiers.identifier_error import IdentifierError

__all__ = ["Found", "Inquiry"]

_SELECT: Final = f"SELECT {', '.join(COLUMNS[:-1])} FROM fees.bill"  # noqa: S608 - our own names
_NEWEST: Final = "ORDER BY issued_at DESC, key DESC LIMIT"
_BEFORE: Final = "(issued_at, key) < ($3, $4)"
_FIRST: Final = (1 << 63) - 1, UUID(int=(1 << 128) - 1)


@dataclass(frozen=True, slots=True)
class Found:
    """Bills of a page."""

    standings: Sequence[Standing]
    next_page: str
    """Empty where it is the last."""


class Inquiry:
    """Find bills in the database and read their acts from the ledger. One for each process."""

    def __init__(self, pool: Pool, engine: Engine) -> None:
        """Read from *pool* and *engine*."""
        self._pool = pool
        self._engine = engine

    async def untouched(self, keys: Sequence[int], columns: str) -> dict[int, Any]:
        """Return the rows of bills to which nothing has happened yet, with *columns*, by key."""
        states = await self._engine.states(act_ids(keys, [1] * len(keys)))
        fresh = [
            UUID(int=key)
            for key, state in zip(keys, states["state"].tolist(), strict=True)
            if not state
        ]
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                f"SELECT {columns} FROM fees.bill WHERE key = ANY($1)",  # noqa: S608 - our own names
                fresh,
            )
        return {row["key"].int: row for row in rows}

    async def reckoned(
        self, standings: Sequence[Standing], terms_of: TermsOf, names: Mapping[int, str], day: date
    ) -> list[Standing]:
        """Return how bills stand on *day*, with what comes on top of them then, or off."""
        terms: dict[tuple[int, int], Tariff | None] = {}
        made = []
        for standing in standings:
            version = standing.bill.agency, standing.bill.schedule_version
            if version not in terms:
                terms[version] = await terms_of(names.get(version[0], ""), version[1])
            tariff = terms[version]
            notice = None if tariff is None else reckoned(standing, tariff, day)
            made.append(standing.having(notice))
        return made

    async def of_keys(self, keys: Sequence[int]) -> dict[int, Standing]:
        """Return the bills of *keys* that there are, by key."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                f"{_SELECT} WHERE key = ANY($1)", [UUID(int=key) for key in keys]
            )
            return {one.bill.key: one for one in await self._stand(connection, rows)}

    async def write_notices(self, notices: Sequence[tuple[int, int, Notice]]) -> None:
        """Write down what payments are about to say; it holds once their acts are there."""
        async with self._pool.acquire() as connection:
            await insert_notices(connection, notices)

    async def of_number(self, number: str) -> list[Standing]:
        """Return the bill of thirty digits, ours or the treasury's own."""
        try:
            treasury.parse(number)
        except IdentifierError as error:
            raise BillRefused("number", error.rule, error.hint) from error
        keys = []
        if treasury.is_valid(number, scheme=treasury.OWN) and not number.startswith("0000"):
            keys.append(UUID(int=parse_number(number)))
        return await self._fetch(
            f"{_SELECT} WHERE key = ANY($1) UNION ALL {_SELECT} WHERE treasury_id = $2",
            *(keys, number),
        )

    async def of_ids(self, bill_id: int, payment_id: int) -> list[Standing]:
        """Return the bills of a bill id and a payment id of the scheme of 1385."""
        return await self._fetch(
            f"{_SELECT} WHERE bill_id = $1 AND payment_id = $2 {_NEWEST} 100",
            *(bill_id, payment_id),
        )

    async def of_payer(
        self, payer: str, *, agency: int, settled: bool, page: str, limit: int
    ) -> Found:
        """Return the bills of a payer, the newest first; of one agency, or of all for 0."""
        return await self._page("payer = $1 AND $2 = ''", payer, "", agency, settled, page, limit)

    async def of_subject(
        self, kind: str, subject: str, *, agency: int, settled: bool, page: str, limit: int
    ) -> Found:
        """Return the bills about a subject, the newest first; of one agency, or of all for 0."""
        where = "subject = $1 AND subject_kind = $2 AND subject <> ''"
        return await self._page(where, subject, kind, agency, settled, page, limit)

    async def _page(
        self, where: str, one: str, other: str, agency: int, settled: bool, page: str, limit: int
    ) -> Found:
        """Gather bills until there are enough: which are settled, the ledger alone knows."""
        if where.startswith("payer"):
            where += " AND payer <> ''"
        found: list[Standing] = []
        before = _page_of(page)
        async with self._pool.acquire() as connection:
            while True:
                rows = await connection.fetch(
                    f"{_SELECT} WHERE {where} AND {_BEFORE} {_NEWEST} $5",
                    *(one, other, *before, limit),
                )
                for standing in await self._stand(connection, rows):
                    before = standing.bill.issued_at, UUID(int=standing.bill.key)
                    if agency and standing.bill.agency != agency:
                        continue
                    if not settled and not standing.outstanding:
                        continue
                    found.append(standing)
                    if len(found) == limit:
                        return Found(found, f"{before[0]}.{before[1].hex}")
                if len(rows) < limit:
                    return Found(found, "")

    async def _fetch(self, query: str, *arguments: Any) -> list[Standing]:
        async with self._pool.acquire() as connection:
            return await self._stand(connection, await connection.fetch(query, *arguments))

    async def _stand(self, connection: Executor, rows: Sequence[Any]) -> list[Standing]:
        bills = [bill_of(row) for row in rows]
        acts = await read_acts(self._engine, [bill.key for bill in bills])
        notices: dict[int, dict[int, Notice]] = {}
        if any(acts.values()):
            notices = await read_notices(connection, acts)
        return [_standing(bill, acts[bill.key], notices) for bill in bills]


def _standing(bill: Bill, acts: Sequence[Act], notices: dict[int, dict[int, Notice]]) -> Standing:
    return stand(bill, acts, notices.get(bill.key, {}))


def _page_of(page: str) -> tuple[int, UUID]:
    """Return behind which bill a page begins."""
    if not page:
        return _FIRST
    moment, _, key = page.partition(".")
    try:
        return int(moment), UUID(hex=key)
    except ValueError as error:
        raise BillRefused("page", "page.form", "the `next_page` of the page before") from error
