"""The schedules that are in force, and how another takes the place of one while fees are paid.

Whoever reckons takes the catalogue once for each case. A change makes another catalogue beside it,
and a single assignment puts it in force while the engine stands still for the act that tells of it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from payvand.settlement.database import Pool
from payvand.settlement.operator_acts import OperatorAct
from payvand.switch.approvals.act_journal import ActJournal
from payvand.switch.approvals.approvals import ProposalRefused
from payvand.switch.approvals.proposal import Proposal
from payvand.switch.fees.catalogue.reading import parse
from payvand.switch.fees.catalogue.schedule import Schedule
from payvand.switch.fees.catalogue.versions import (
    SCHEDULE_CHANGE,
    ScheduleVersion,
    ScheduleVersions,
)
from payvand.switch.rule_changes.texts import TextMissing, read_text
from payvand.switch.rules.table_row import RulesError

__all__ = ["Catalogue", "CatalogueInForce", "ScheduleChange", "is_overtaken"]

SCHEDULES_KEPT: Final = 256
"""Of other versions than those in force; each is made of its text once."""


class Catalogue:
    """All schedules that are in force at a time; immutable."""

    def __init__(self, schedules: Mapping[str, Schedule]) -> None:
        """Hold *schedules* by agency."""
        self._schedules = MappingProxyType(dict(schedules))

    def __iter__(self) -> Iterator[Schedule]:
        """Iterate over the schedules, by agency."""
        return iter(self._schedules.values())

    def schedule(self, agency: str) -> Schedule | None:
        """Return the schedule of an agency, or None where it has none."""
        return self._schedules.get(agency)

    def having(self, schedule: Schedule) -> "Catalogue":
        """Return a catalogue with *schedule* in place of its agency's."""
        return Catalogue({**self._schedules, schedule.agency: schedule})


class CatalogueInForce:
    """The catalogue of one switch. One for each process; `load` it before use."""

    catalogue: Catalogue
    """What is in force now; hold on to one for the time of a case."""

    def __init__(self, journal: ActJournal, pool: Pool) -> None:
        """Follow the acts in *journal*; texts are in the database of *pool*."""
        self.versions = ScheduleVersions()
        self.catalogue = Catalogue({})
        self._pool = pool
        self._made: dict[int, Schedule] = {}
        journal.watch(self.versions.apply)

    async def load(self) -> None:
        """Bring up what is in force.

        Raises `TextMissing`, or `RulesError` where this code can't read what was in force.
        """
        for agency in self.versions.agencies:
            version = self.versions.in_force(agency)
            assert version is not None, "an agency in the history has a version"
            self.hold(await self.schedule(version))

    async def schedule(self, version: ScheduleVersion) -> Schedule:
        """Return the schedule of a version; raises `TextMissing` or `RulesError`."""
        found = self._made.get(version.number)
        if found is None:
            text = await read_text(self._pool, version.digest)
            found = replace(parse(text), number=version.number)
            while len(self._made) >= SCHEDULES_KEPT:
                del self._made[next(iter(self._made))]
            self._made[version.number] = found
        return found

    async def schedule_numbered(self, number: int) -> Schedule:
        """Return the schedule of a version by its number; raises KeyError where there is none."""
        version = self.versions.get(number)
        if version is None:
            raise KeyError(number)
        return await self.schedule(version)

    def hold(self, schedule: Schedule) -> None:
        """Put *schedule* in force."""
        self.catalogue = self.catalogue.having(schedule)


def is_overtaken(versions: ScheduleVersions, content: Mapping[str, Any]) -> bool:
    """Tell whether a draft was made on top of another version than the one in force.

    A version is a whole schedule, so it would undo what came in force since it was drafted, and
    nobody would have seen that.
    """
    in_force = versions.in_force(content["agency"])
    return bool(content["replaces"] != (in_force.digest.hex() if in_force else ""))


class ScheduleChange:
    """The kind of proposals that set a version of a schedule in force."""

    name = SCHEDULE_CHANGE

    def __init__(self, catalogue: CatalogueInForce, pool: Pool) -> None:
        """Change *catalogue* to texts in the database of *pool*."""
        self._catalogue = catalogue
        self._pool = pool

    async def check(self, content: Mapping[str, Any]) -> None:
        """Refuse what isn't the digest of a good text, or is overtaken; see `Kind.check`."""
        if set(content) != {"agency", "digest", "replaces"}:
            raise ProposalRefused("content", "fees.content", "draft it by ImportSchedule")
        if is_overtaken(self._catalogue.versions, content):
            hint = (
                "another version came in force since it was drafted: bring the text up to date "
                "with what is in force, and import it anew"
            )
            raise ProposalRefused("content", "fees.overtaken", hint)
        try:
            schedule = parse(await read_text(self._pool, bytes.fromhex(content["digest"])))
        except (ValueError, TextMissing) as error:
            raise ProposalRefused("content.digest", "fees.text", str(error)) from None
        except RulesError as error:
            raise ProposalRefused("content.digest", error.rule, str(error)) from None
        if schedule.agency != content["agency"]:
            hint = f"the text is of {schedule.agency}"
            raise ProposalRefused("content.agency", "fees.agency", hint)

    async def carry_out(self, proposal: Proposal) -> Callable[[OperatorAct], None]:
        """Make the schedule, and return what puts it in force; see `Kind.carry_out`."""
        await self.check(proposal.content)
        version = self._catalogue.versions.of_proposal(proposal.id)
        assert version is not None, "the versions follow each act before it is told of"
        schedule = await self._catalogue.schedule(version)
        return lambda act: self._catalogue.hold(schedule)
