"""RuleTableService: the tables of rules over gRPC."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import grpc

from payvand.core.engine import Engine
from payvand.settlement.database import Pool
from payvand.switch.approvals.approvals import Approvals, ProposalRefused
from payvand.switch.approvals.proposal import ON_CALL
from payvand.switch.identity import caller_of
from payvand.switch.participants import Registry
from payvand.switch.refusing import refuse
from payvand.switch.rule_changes.effects import Effects, SettlementMove, effects_of
from payvand.switch.rule_changes.rules_in_force import RulesInForce, is_overtaken
from payvand.switch.rule_changes.texts import digest_of_text, keep_text, read_text
from payvand.switch.rule_changes.versions import RULE_CHANGE, TableVersion
from payvand.switch.rules.checking import TableFault, faults_of
from payvand.switch.rules.differing import RowChange, differences
from payvand.switch.rules.rulebook import TABLES
from payvand.switch.rules.solar_hijri import moment_at, nanoseconds_of
from payvand.switch.services.approvals import due_of, proposal_told, refusals_told
from payvand.switch.settlement_cycles import SettlementCycles
from payvand.v1 import rule_table_service_pb2 as pb

__all__ = ["RuleTableServicer", "fault_told", "row_told"]

VERSIONS_PER_PAGE: Final = 100
VERSIONS_PER_PAGE_MAX: Final = 1_000

_ROW_KINDS: Final = {
    "added": pb.ROW_CHANGE_KIND_ADDED,
    "removed": pb.ROW_CHANGE_KIND_REMOVED,
    "changed": pb.ROW_CHANGE_KIND_CHANGED,
}


class RuleTableServicer:
    """Serve the methods of `payvand.v1.RuleTableService`; the contract says what each promises."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["RuleTableService"]

    def __init__(
        self,
        *,
        rules: RulesInForce,
        approvals: Approvals,
        registry: Registry,
        engine: Engine,
        pool: Pool,
        journal: Path,
        cycles: SettlementCycles | None,
    ) -> None:
        """Change *rules* by *approvals*; *engine*, which writes *journal*, shows the traffic.

        *cycles* closes settlement windows by the clock; None where operators alone do.
        """
        self._rules = rules
        self._approvals = approvals
        self._registry = registry
        self._engine = engine
        self._pool = pool
        self._journal = journal
        self._cycles = cycles

    # --- changing ----------------------------------------------------------------------------

    async def ImportTable(
        self, request: pb.ImportTableRequest, context: Any
    ) -> pb.ImportTableResponse:
        """Take in a text and propose it, or say what is wrong with it."""
        async with refusals_told(context):
            _check_table(request.table)
            faults = await asyncio.to_thread(faults_of, request.table, request.text)
            if faults or request.check_only:
                return pb.ImportTableResponse(faults=map(fault_told, faults))
            digest = digest_of_text(request.text)
            if digest == self._rules.versions.in_force(request.table).version.digest:
                hint = "this very text is in force"
                if not self._is_known(request.id):
                    raise ProposalRefused("text", "rules.unchanged", hint)
            await keep_text(self._pool, request.table, request.text)
            version = await self._propose(
                request.id,
                {"table": request.table, "digest": digest.hex()},
                request.reason,
                caller_of(context).name,
                due_at=due_of(request.due_at, on_call=request.on_call),
                expires_at=request.expires_at,
            )
        return pb.ImportTableResponse(version=self._told(version))

    async def RestoreVersion(
        self, request: pb.RestoreVersionRequest, context: Any
    ) -> pb.RestoreVersionResponse:
        """Propose to go back to an earlier text."""
        async with refusals_told(context):
            _check_table(request.table)
            versions = self._rules.versions
            if self._is_known(request.id):  # what came before this one may be another by now
                known = versions.of_proposal(request.id)
                back = versions.get(known.restores if known else 0)
            elif request.number:
                back = versions.get(request.number)
            else:
                back = versions.before(request.table)
            if back is None or back.table != request.table:
                hint = "name an earlier version of this table: see ListVersions"
                raise ProposalRefused("number", "rules.version", hint)
            version = await self._propose(
                request.id,
                {"table": back.table, "digest": back.digest.hex(), "restores": back.number},
                request.reason,
                caller_of(context).name,
                due_at=request.due_at,
                expires_at=0,
            )
        return pb.RestoreVersionResponse(version=self._told(version))

    def _is_known(self, id: bytes) -> bool:
        """Tell whether a request is a retry: an id names one proposal for ever."""
        return self._rules.versions.of_proposal(id) is not None

    async def _propose(
        self,
        id: bytes,
        content: dict[str, Any],
        reason: str,
        operator: str,
        *,
        due_at: int,
        expires_at: int,
    ) -> TableVersion:
        """Propose *content* on top of what is in force, or was when the same was proposed."""
        if self._is_known(id):
            content["replaces"] = self._approvals.get(id).content["replaces"]
        else:
            in_force = self._rules.versions.in_force(content["table"]).version
            content["replaces"] = in_force.digest.hex()
        await self._approvals.propose(
            id=id,
            kind=RULE_CHANGE,
            content=content,
            reason=reason,
            operator=operator,
            due_at=due_at,
            expires_at=expires_at,
        )
        version = self._rules.versions.of_proposal(id)
        assert version is not None, "the book follows each act before it is told of"
        return version

    # --- reading -----------------------------------------------------------------------------

    async def CompareVersion(
        self, request: pb.CompareVersionRequest, context: Any
    ) -> pb.CompareVersionResponse:
        """Tell what a version changes, and what that would do."""
        version = await self._version(request.number, context)
        in_force = self._rules.versions.in_force(version.table).version
        before = await read_text(self._pool, in_force.digest)
        after = await read_text(self._pool, version.digest)
        effects = await effects_of(
            self._rules.rulebook,
            await self._rules.rulebook_with(version.table, after),
            at=self._moment(request.at, version),
            participants=self._registry.participants,
            engine=self._engine,
            journal=self._journal,
            cycles=self._cycles,
        )
        told = _comparison(
            self._told(version), in_force.number, differences(before, after), effects
        )
        told.overtaken = self._is_overtaken(version)
        told.overtakes.extend(self._overtaken_by(version))
        return told

    def _is_overtaken(self, version: TableVersion) -> bool:
        """Tell whether a version that waits can't come in force any more."""
        if not version.proposal:
            return False
        proposal = self._approvals.get(version.proposal)
        return proposal.is_waiting and is_overtaken(self._rules.versions, proposal.content)

    def _overtaken_by(self, version: TableVersion) -> Iterator[int]:
        """Yield the versions that wait and could not come in force behind this one."""
        for other in self._rules.versions.versions:
            if other.table != version.table or other == version or not other.proposal:
                continue
            proposal = self._approvals.get(other.proposal)
            if proposal.is_waiting and proposal.content["replaces"] != version.digest.hex():
                yield other.number

    def _moment(self, at: int, version: TableVersion) -> datetime:
        """Return the moment asked for, or that at which a version is due, or now."""
        if not at and version.proposal:
            proposal = self._approvals.get(version.proposal)
            at = proposal.due_at if proposal.due_at not in (0, ON_CALL) else 0
        return moment_at(at or self._rules.now())

    async def ListVersions(
        self, request: pb.ListVersionsRequest, context: Any
    ) -> pb.ListVersionsResponse:
        """List versions, newest first."""
        size = request.page_size or VERSIONS_PER_PAGE
        if size > VERSIONS_PER_PAGE_MAX:
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "page.size",
                f"at most {VERSIONS_PER_PAGE_MAX}, not {size}",
                field="page_size",
            )
        found = [
            version
            for version in reversed(self._rules.versions.versions)
            if (not request.table or version.table == request.table)
            and (not request.before or version.number < request.before)
        ]
        return pb.ListVersionsResponse(versions=map(self._told, found[:size]))

    async def GetVersion(
        self, request: pb.GetVersionRequest, context: Any
    ) -> pb.GetVersionResponse:
        """Return one version with its text."""
        version = await self._version(request.number, context)
        text = await read_text(self._pool, version.digest)
        return pb.GetVersionResponse(version=self._told(version), text=text)

    async def GetRulebook(
        self, request: pb.GetRulebookRequest, context: Any
    ) -> pb.GetRulebookResponse:
        """Return all tables as they were in force at a moment."""
        at = request.at or None
        texts = await self._rules.texts_at(at)
        tables = []
        for table, text in texts.items():
            entry = self._rules.versions.in_force(table, at)
            tables.append(
                pb.TableInForce(
                    number=entry.version.number, table=table, since=entry.since, text=text
                )
            )
        return pb.GetRulebookResponse(tables=tables)

    async def _version(self, number: int, context: Any) -> TableVersion:
        version = self._rules.versions.get(number)
        if version is None:
            await refuse(
                context,
                grpc.StatusCode.NOT_FOUND,
                "rules.version",
                f"there is no version {number}",
                field="number",
            )
        return version

    def _told(self, version: TableVersion) -> pb.RuleTableVersion:
        history = self._rules.versions.history(version.table)
        ends = [entry.since for entry in history[1:]] + [0]
        proposal = self._approvals.get(version.proposal) if version.proposal else None
        return pb.RuleTableVersion(
            number=version.number,
            table=version.table,
            digest=version.digest,
            restores=version.restores,
            proposal=proposal_told(proposal) if proposal else None,
            periods=[
                pb.ForcePeriod(since=entry.since, until=until, sequence=entry.sequence)
                for entry, until in zip(history, ends, strict=False)
                if entry.version.number == version.number
            ],
        )


def fault_told(fault: TableFault) -> pb.TableFault:
    """Return what is wrong with a text as the contract says it."""
    return pb.TableFault(line=fault.line, path=fault.path, rule=fault.rule, hint=fault.hint)


def row_told(row: RowChange) -> pb.RowChange:
    """Return a row that differs as the contract says it."""
    return pb.RowChange(
        row=row.row,
        kind=_ROW_KINDS[row.kind],
        fields=[
            pb.FieldChange(field=one.field, before=one.before, after=one.after)
            for one in row.fields
        ],
    )


def _check_table(table: str) -> None:
    if table not in TABLES:
        raise ProposalRefused("table", "rules.table", "one of " + ", ".join(TABLES))


def _comparison(
    version: pb.RuleTableVersion, in_force: int, rows: Sequence[RowChange], effects: Effects
) -> pb.CompareVersionResponse:
    return pb.CompareVersionResponse(
        version=version,
        in_force=in_force,
        rows=map(row_told, rows),
        at=nanoseconds_of(effects.at),
        routes=[
            pb.RouteChange(bank_code=one.bank_code, before=one.before, after=one.after)
            for one in effects.routes
        ],
        payments_seen=effects.payments_seen,
        open_payments_seen=effects.open_payments_seen,
        shifts=[
            pb.TrafficShift(
                what=one.what,
                before=one.before,
                after=one.after,
                payments=one.payments,
                amount=str(one.amount),
                open_payments=one.open_payments,
            )
            for one in effects.shifts
        ],
        moves=[
            pb.PlanMove(
                rail=plan.rail,
                before=nanoseconds_of(move.old),
                after=nanoseconds_of(move.new) if move.new else 0,
            )
            for plan in effects.plans
            for move in plan.moves
        ],
        settlement=_settlement_told(effects.settlement) if effects.settlement else None,
    )


def _settlement_told(move: SettlementMove) -> pb.SettlementMove:
    return pb.SettlementMove(
        window=move.window,
        rail=move.rail,
        amount=str(move.amount),
        before=nanoseconds_of(move.before) if move.before else 0,
        after=nanoseconds_of(move.after) if move.after else 0,
    )
