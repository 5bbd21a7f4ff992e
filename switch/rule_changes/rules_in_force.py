"""The rulebook that is in force, and how another one takes its place while payments go on.

Whoever decides by rules takes the rulebook once for each decision. A change makes another one
beside it, and a single assignment puts it in force while the engine stands still for the act that
tells of it: payments decided before went by the old rules, payments decided after go by the new
ones, and none goes by a mixture. What follows from the rulebook is made anew at the same moment,
and at midnight, when rows of the tables begin and end.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from itertools import filterfalse
from typing import Any, Final

from payvand.settlement.database import Pool
from payvand.settlement.operator_acts import OperatorAct
from payvand.switch.approvals.act_journal import ActJournal
from payvand.switch.approvals.approvals import ProposalRefused
from payvand.switch.approvals.proposal import Proposal
from payvand.switch.rule_changes.texts import keep_text, read_text
from payvand.switch.rule_changes.versions import ADOPTED, RULE_CHANGE, VersionBook
from payvand.switch.rules import tariffs
from payvand.switch.rules.checking import faults_of
from payvand.switch.rules.rulebook import TABLES, Rulebook, rulebook_of, shipped_text
from payvand.switch.rules.solar_hijri import local, moment_at

__all__ = ["RuleChange", "RulesInForce", "is_overtaken"]

LOOK_S: Final = 1.0
"""How often the day is looked at."""
RULEBOOKS_KEPT: Final = 16
"""Of other moments than now; each is made of its texts once."""

SWITCH: Final = ""
"""Who acts where the switch does by itself."""


class RulesInForce:
    """The rules of one switch. One for each process; `load` it before use, then `run` it."""

    rulebook: Rulebook
    """What is in force now; hold on to one for the time of a decision."""

    def __init__(self, journal: ActJournal, pool: Pool, *, clock: Callable[[], int]) -> None:
        """Follow the acts in *journal*; texts are in the database of *pool*."""
        self.versions = VersionBook()
        self.watch: Callable[[], None] = lambda: None
        """Called when the rulebook or the day is another one; it can't fail."""
        self._journal = journal
        self._pool = pool
        self._clock = clock
        self._made: dict[tuple[bytes, ...], Rulebook] = {}
        journal.watch(self.versions.apply)

    async def load(self) -> None:
        """Bring up what is in force; at the first start, adopt the tables that come along.

        Raises `TextMissing`, or `RulesError` where this code can't read what was in force.
        """
        if tables := self.versions.missing_tables:
            digests = {
                table: (await keep_text(self._pool, table, shipped_text(table))).hex()
                for table in tables
            }
            await self._journal.record(ADOPTED, operator=SWITCH, tables=digests)
        self.rulebook = await self.rulebook_at()

    def now(self) -> int:
        """Return what the clock says, in nanoseconds since 1970."""
        return self._clock()

    @property
    def day(self) -> date:
        """The day it is by Tehran's clock."""
        return local(moment_at(self._clock())).date()

    async def texts_at(self, at: int | None = None) -> dict[str, str]:
        """Return the texts of all tables that are in force, or were at *at*."""
        return {
            table: await read_text(self._pool, self.versions.in_force(table, at).version.digest)
            for table in TABLES
        }

    async def rulebook_at(self, at: int | None = None) -> Rulebook:
        """Return the rulebook that is in force, or was at *at* in nanoseconds since 1970."""
        key = tuple(self.versions.in_force(table, at).version.digest for table in TABLES)
        if key not in self._made:
            made = rulebook_of(await self.texts_at(at))
            while len(self._made) >= RULEBOOKS_KEPT:
                del self._made[next(iter(self._made))]
            self._made[key] = made
        return self._made[key]

    async def rulebook_with(self, table: str, text: str) -> Rulebook:
        """Return the rulebook in force with another *text* of one table."""
        texts = await self.texts_at()
        return await asyncio.to_thread(rulebook_of, {**texts, table: text})

    def hold(self, rulebook: Rulebook) -> None:
        """Put *rulebook* in force."""
        self.rulebook = rulebook
        self.watch()

    async def run(self) -> None:
        """Have what follows from the rules made anew with each new day, until cancelled."""
        day = self.day
        while True:
            now = local(moment_at(self._clock()))
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
            left_s = (midnight + timedelta(days=1) - now).total_seconds()
            await asyncio.sleep(min(max(left_s, 0.001), LOOK_S))
            if self.day != day:
                day = self.day
                self.watch()


def is_overtaken(versions: VersionBook, content: Mapping[str, Any]) -> bool:
    """Tell whether a change was made on top of another text than the one in force.

    A version is a whole table, so it would undo what came in force since it was imported, and
    nobody would have seen that when it was approved.
    """
    in_force = versions.in_force(content["table"]).version
    return bool(content.get("replaces") != in_force.digest.hex())


class RuleChange:
    """The kind of proposals that set a version of a table in force."""

    name = RULE_CHANGE

    def __init__(
        self,
        rules: RulesInForce,
        pool: Pool,
        is_onboarded: Callable[[str], bool] = lambda name: True,
    ) -> None:
        """Change *rules* to texts in the database of *pool*.

        *is_onboarded* tells whether a participant that a tariff is in favour of takes part.
        """
        self._rules = rules
        self._pool = pool
        self._is_onboarded = is_onboarded

    async def check(self, content: Mapping[str, Any]) -> None:
        """Refuse what isn't the digest of a good text, or is overtaken; see `Kind.check`."""
        await self._text(content)

    async def carry_out(self, proposal: Proposal) -> Callable[[OperatorAct], None]:
        """Make the rulebook, and return what puts it in force; see `Kind.carry_out`."""
        text = await self._text(proposal.content)
        rulebook = await self._rules.rulebook_with(proposal.content["table"], text)
        return lambda act: self._rules.hold(rulebook)

    async def _text(self, content: Mapping[str, Any]) -> str:
        """Return the text that *content* names; raises `ProposalRefused` where it isn't good."""
        table, digest = content.get("table"), content.get("digest")
        if table not in TABLES or not isinstance(digest, str) or len(digest) != 64:
            hint = f"a table of {', '.join(TABLES)} and the digest of its text"
            raise ProposalRefused("content", "rules.content", hint)
        if is_overtaken(self._rules.versions, content):
            hint = (
                f"another version of {table} came in force since this one was imported, and would "
                "be lost: make the change on top of it and import that"
            )
            raise ProposalRefused("content", "rules.overtaken", hint)
        text = await read_text(self._pool, bytes.fromhex(digest))
        faults = await asyncio.to_thread(faults_of, table, text)
        if faults:
            first = faults[0]
            hint = f"line {first.line}: {first.path}: {first.rule}: {first.hint}"
            raise ProposalRefused("content", "rules.faulty", hint)
        if table == "tariffs":
            strangers = sorted(filterfalse(self._is_onboarded, tariffs.parse(text).receivers))
            if strangers:
                hint = f"{', '.join(strangers)} would be paid and takes no part: onboard it first"
                raise ProposalRefused("content", "tariffs.receiver", hint)
        return text
