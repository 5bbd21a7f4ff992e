"""FeeCatalogueService: the schedules of agencies over gRPC, drafted, reviewed, approved, read."""

import asyncio
from typing import Any, Final, NoReturn

import grpc

from payvand.settlement.database import Pool
from payvand.switch.approvals.approvals import Approvals, ProposalRefused
from payvand.switch.approvals.proposal import Proposal
from payvand.switch.fees.catalogue.catalogue_in_force import CatalogueInForce, is_overtaken
from payvand.switch.fees.catalogue.differing import schedule_differences
from payvand.switch.fees.catalogue.reading import parse, read
from payvand.switch.fees.catalogue.versions import SCHEDULE_CHANGE, ScheduleVersion
from payvand.switch.identity import OF_AGENCY, Caller, Role, caller_of
from payvand.switch.participants import Registry
from payvand.switch.refusing import refuse
from payvand.switch.rule_changes.texts import keep_text, read_text
from payvand.switch.rules.checking import faults_in
from payvand.switch.services.approvals import proposal_told, refusals_told
from payvand.switch.services.rule_tables import fault_told, row_told
from payvand.v1 import fee_catalogue_service_pb2 as pb
from payvand.v1.rule_table_service_pb2 import ForcePeriod

__all__ = ["FeeCatalogueServicer"]

SCHEDULES_PER_PAGE: Final = 100
SCHEDULES_PER_PAGE_MAX: Final = 1_000


class FeeCatalogueServicer:
    """Serve `payvand.v1.FeeCatalogueService`; the contract says what each method promises."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["FeeCatalogueService"]

    def __init__(
        self, *, catalogue: CatalogueInForce, approvals: Approvals, registry: Registry, pool: Pool
    ) -> None:
        """Change *catalogue* by *approvals*; texts are in the database of *pool*."""
        self._catalogue = catalogue
        self._approvals = approvals
        self._registry = registry
        self._pool = pool

    # --- changing ----------------------------------------------------------------------------

    async def ImportSchedule(
        self, request: pb.ImportScheduleRequest, context: Any
    ) -> pb.ImportScheduleResponse:
        """Take in a text and propose it, or say what is wrong with it."""
        caller = caller_of(context)
        async with refusals_told(context):
            faults = await asyncio.to_thread(faults_in, request.text, read)
            if faults or request.check_only:
                return pb.ImportScheduleResponse(faults=map(fault_told, faults))
            schedule = await asyncio.to_thread(parse, request.text)
            self._check_agency(caller, schedule.agency)
            versions = self._catalogue.versions
            known = versions.of_proposal(request.id)
            in_force = versions.in_force(schedule.agency)
            if known is not None:
                replaces = self._approvals.get(request.id).content["replaces"]
            else:
                replaces = in_force.digest.hex() if in_force else ""
                if replaces == schedule.digest:
                    raise ProposalRefused("text", "fees.unchanged", "this very text is in force")
            await keep_text(self._pool, f"fees/{schedule.agency}", request.text)
            await self._approvals.propose(
                id=request.id,
                kind=SCHEDULE_CHANGE,
                content={
                    "agency": schedule.agency,
                    "digest": schedule.digest,
                    "replaces": replaces,
                },
                reason=request.reason,
                operator=caller.name,
                due_at=request.due_at,
                expires_at=request.expires_at,
            )
        version = versions.of_proposal(request.id)
        assert version is not None, "the versions follow each act before it is told of"
        return pb.ImportScheduleResponse(schedule=self._told(version))

    async def ReviewSchedule(
        self, request: pb.ReviewScheduleRequest, context: Any
    ) -> pb.ReviewScheduleResponse:
        """Review a draft as an approver of its agency."""
        version = await self._version(request.number, context)
        caller = caller_of(context)
        async with refusals_told(context):
            self._check_agency(caller, version.agency)
            await self._approvals.review(
                version.proposal,
                digest=request.digest,
                operator=caller.name,
                reason=request.remark,
            )
        return pb.ReviewScheduleResponse(schedule=self._told(version))

    async def ApproveSchedule(
        self, request: pb.ApproveScheduleRequest, context: Any
    ) -> pb.ApproveScheduleResponse:
        """Approve a reviewed draft as the treasury."""
        version = await self._version(request.number, context)
        async with refusals_told(context):
            await self._approvals.approve(
                version.proposal,
                digest=request.digest,
                operator=caller_of(context).name,
                reason=request.remark,
            )
        return pb.ApproveScheduleResponse(schedule=self._told(version))

    async def RefuseSchedule(
        self, request: pb.RefuseScheduleRequest, context: Any
    ) -> pb.RefuseScheduleResponse:
        """Refuse a draft, or withdraw it."""
        version = await self._version(request.number, context)
        caller = caller_of(context)
        async with refusals_told(context):
            if caller.role in OF_AGENCY:
                self._check_agency(caller, version.agency)
            await self._approvals.refuse(
                version.proposal, operator=caller.name, reason=request.remark
            )
        return pb.RefuseScheduleResponse(schedule=self._told(version))

    def _check_agency(self, caller: Caller, agency: str) -> None:
        """Refuse who is of another agency, and an agency that doesn't take part."""
        if caller.agency != agency:
            hint = f"the schedule is of {agency}, and {caller.name} is not"
            raise ProposalRefused("agency", "fees.other_agency", hint)
        route = self._registry.routing.by_name.get(agency)
        if route is None or route.role is not Role.AGENCY:
            hint = f"no agency {agency} takes part: an operator onboards it first"
            raise ProposalRefused("agency", "fees.agency", hint)

    # --- reading -----------------------------------------------------------------------------

    async def CompareSchedule(
        self, request: pb.CompareScheduleRequest, context: Any
    ) -> pb.CompareScheduleResponse:
        """Tell what a version changes of what is in force."""
        version = await self._version(request.number, context)
        in_force = self._catalogue.versions.in_force(version.agency)
        before = await read_text(self._pool, in_force.digest) if in_force else ""
        after = await read_text(self._pool, version.digest)
        rows = await asyncio.to_thread(schedule_differences, before, after)
        schedule = await self._catalogue.schedule(version)
        ibans = dict.fromkeys(one.iban for one in schedule.beneficiaries.values())
        return pb.CompareScheduleResponse(
            schedule=self._told(version),
            in_force=in_force.number if in_force else 0,
            overtaken=self._is_overtaken(version),
            rows=map(row_told, rows),
            unrouted_ibans=[one for one in ibans if self._registry.routing.route(one) is None],
        )

    def _is_overtaken(self, version: ScheduleVersion) -> bool:
        proposal = self._proposal(version)
        return proposal.is_waiting and is_overtaken(self._catalogue.versions, proposal.content)

    async def ListSchedules(
        self, request: pb.ListSchedulesRequest, context: Any
    ) -> pb.ListSchedulesResponse:
        """List versions, newest first."""
        size = request.page_size or SCHEDULES_PER_PAGE
        if size > SCHEDULES_PER_PAGE_MAX:
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "page.size",
                f"at most {SCHEDULES_PER_PAGE_MAX}, not {size}",
                field="page_size",
            )
        found: list[ScheduleVersion] = []
        for version in reversed(self._catalogue.versions):
            if len(found) == size:
                break
            is_of_agency = not request.agency or version.agency == request.agency
            if is_of_agency and (not request.before or version.number < request.before):
                found.append(version)
        return pb.ListSchedulesResponse(schedules=map(self._told, found))

    async def GetSchedule(
        self, request: pb.GetScheduleRequest, context: Any
    ) -> pb.GetScheduleResponse:
        """Return one version with its text."""
        version: ScheduleVersion | None
        if request.number:
            version = await self._version(request.number, context)
        else:
            versions = self._catalogue.versions
            version = versions.in_force(request.agency, request.at or None)
            if version is None:
                hint = f"no schedule of {request.agency or 'no agency'} was in force then"
                await _not_found(context, "agency", hint)
        text = await read_text(self._pool, version.digest)
        return pb.GetScheduleResponse(schedule=self._told(version), text=text)

    async def _version(self, number: int, context: Any) -> ScheduleVersion:
        version = self._catalogue.versions.get(number)
        if version is None:
            await _not_found(context, "number", f"there is no version {number}")
        return version

    def _proposal(self, version: ScheduleVersion) -> Proposal:
        return self._approvals.get(version.proposal)

    def _told(self, version: ScheduleVersion) -> pb.FeeSchedule:
        history = self._catalogue.versions.history(version.agency)
        ends = [entry.since for entry in history[1:]] + [0]
        return pb.FeeSchedule(
            number=version.number,
            agency=version.agency,
            digest=version.digest,
            proposal=proposal_told(self._proposal(version)),
            periods=[
                ForcePeriod(since=entry.since, until=until, sequence=entry.sequence)
                for entry, until in zip(history, ends, strict=False)
                if entry.version.number == version.number
            ],
        )


async def _not_found(context: Any, field: str, hint: str) -> NoReturn:
    await refuse(context, grpc.StatusCode.NOT_FOUND, "fees.version", hint, field=field)
