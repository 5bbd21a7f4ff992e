"""ParticipantService: onboarding, funding, and how everybody stands.

What changes something is a proposal; see `registry/acts` for what it does once it is approved.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import grpc

from payvand.core.engine import Engine
from payvand.core.records import u128_array, u128_list, u128_of
from payvand.settlement.closing import standing_accounts
from payvand.settlement.netting import (
    charge_account,
    collateral_account,
    position_account,
    settlement_account,
)
from payvand.switch.approvals.approvals import Approvals
from payvand.switch.approvals.proposal import canonical
from payvand.switch.fees.bills.accounts import fees_account
from payvand.switch.identity import Role, caller_of
from payvand.switch.participant import ROLES, Certificate, Contact, Direction, Participant
from payvand.switch.participants import Registry
from payvand.switch.refusing import refuse, refuse_participant
from payvand.switch.registry.acts import FUNDING, Funding
from payvand.switch.registry.book import PARTICIPANT_CHANGE, ParticipantVersion
from payvand.switch.registry.callers import read_certificate
from payvand.switch.registry.changes import ChangeRefused, traits_of
from payvand.switch.registry.warnings import warnings_of
from payvand.switch.rule_changes.rules_in_force import RulesInForce
from payvand.switch.services.approvals import proposal_told, refusals_told
from payvand.switch.settling import Settling
from payvand.switch.standing import id_column
from payvand.switch.units import AMOUNT_MAX
from payvand.v1 import participant_service_pb2 as pb

__all__ = ["ParticipantServicer"]

REQUEST_PARTICIPANTS_MAX: Final = 1_000
VERSIONS_PER_PAGE: Final = 100
VERSIONS_PER_PAGE_MAX: Final = 1_000

_STATES: Final = {
    Direction.ACTIVE: pb.ParticipantState.PARTICIPANT_STATE_ACTIVE,
    Direction.SUSPENDED: pb.ParticipantState.PARTICIPANT_STATE_SUSPENDED,
    Direction.CLOSED: pb.ParticipantState.PARTICIPANT_STATE_CLOSED,
}
_DIRECTIONS: Final = {int(number): direction for direction, number in _STATES.items()}
_PURPOSES: Final = (
    (pb.AccountPurpose.ACCOUNT_PURPOSE_POSITION, position_account),
    (pb.AccountPurpose.ACCOUNT_PURPOSE_SETTLEMENT, settlement_account),
    (pb.AccountPurpose.ACCOUNT_PURPOSE_FEE, charge_account),
    (pb.AccountPurpose.ACCOUNT_PURPOSE_COLLATERAL, collateral_account),
)
_AGENCY_PURPOSES: Final = (
    *_PURPOSES,
    (pb.AccountPurpose.ACCOUNT_PURPOSE_COLLECTION, fees_account),
)
ACCOUNTS_AT_ONCE: Final = 8_000


class ParticipantServicer:
    """Serve `payvand.v1.ParticipantService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["ParticipantService"]

    def __init__(
        self,
        *,
        engine: Engine,
        registry: Registry,
        approvals: Approvals,
        funding: Funding,
        rules: RulesInForce,
        settling: Settling,
    ) -> None:
        """Serve from *registry*; what stands in the open window from *engine* and *settling*."""
        self._engine = engine
        self._registry = registry
        self._approvals = approvals
        self._funding = funding
        self._rules = rules
        self._settling = settling

    async def PutParticipants(
        self, request: pb.PutParticipantsRequest, context: Any
    ) -> pb.PutParticipantsResponse:
        """Propose to onboard participants or to bring them up to date, all of them or none."""
        if not 0 < len(request.participants) <= REQUEST_PARTICIPANTS_MAX:
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "participant.form",
                f"directory.participants: give 1 to {REQUEST_PARTICIPANTS_MAX}",
                field="participants",
            )
        try:
            entries = [self._entry(one) for one in request.participants]
            changing = [entry for entry in entries if len(entry) > 1]
            # A retry finds what it proposed carried out, or waiting, and says so.
            known = self._approvals.find(request.id)
            if not changing and known is None:
                return pb.PutParticipantsResponse(
                    participants=[
                        told(self._registry.book.current[one.name]) for one in request.participants
                    ]
                )
            after = self._registry.after(changing or entries)
        except ChangeRefused as refused:
            await _refuse_change(context, refused)
        names = [entry["name"] for entry in changing]
        warnings = warnings_of(after, names, self._rules.rulebook.banks, self._rules.day)
        content: Any = {"participants": changing} | ({"warnings": warnings} if warnings else {})
        if known is not None and known.kind == PARTICIPANT_CHANGE and not known.is_open:
            asked = {entry["name"] for entry in entries}
            if {entry["name"] for entry in known.content["participants"]} <= asked:
                content = known.content  # What it changed is changed by now.
        async with refusals_told(context):
            proposal = await self._approvals.propose(
                id=request.id,
                kind=PARTICIPANT_CHANGE,
                content=content,
                reason=request.reason,
                operator=caller_of(context).name,
                due_at=request.due_at,
            )
        return pb.PutParticipantsResponse(
            participants=[told(after[one.name]) for one in request.participants],
            proposal=proposal_told(proposal),
            warnings=proposal.content.get("warnings", []),
        )

    def _entry(self, one: pb.Participant) -> dict[str, Any]:
        """Return what a request changes; raises `ChangeRefused` where it can't be read."""
        before = self._registry.book.current.get(one.name)
        if one.role not in ROLES:
            raise ChangeRefused(f"{one.name}.role", "directory.role", "say what it is")
        wanted = Participant(
            number=before.number if before else 0,
            name=one.name,
            role=one.role,
            display_name=one.display_name,
            display_name_fa=one.display_name_fa,
            bank_codes=tuple(one.bank_codes),
            ibans=tuple(one.ibans),
            net_debit_cap=one.net_debit_cap,
            unit=one.unit,
            auto_accept=one.auto_accept,
            contacts=tuple(
                Contact(each.purpose, each.name, each.phone, each.email) for each in one.contacts
            ),
            certificates=tuple(
                _certificate(one.name, ROLES[one.role].value, each) for each in one.certificates
            ),
            signing_keys=tuple(key.hex() for key in one.signing_keys),
            sending=_DIRECTIONS.get(one.sending, Direction.ACTIVE),
            receiving=_DIRECTIONS.get(one.receiving, Direction.ACTIVE),
            signature_required=one.signature_required,
            payments_per_second=one.payments_per_second,
        )
        if before is not None:  # What the request leaves out stays.
            wanted = replace(
                wanted,
                sending=_DIRECTIONS.get(one.sending, before.sending),
                receiving=_DIRECTIONS.get(one.receiving, before.receiving),
                contacts=wanted.contacts or before.contacts,
                signature_required=one.signature_required
                if one.HasField("signature_required")
                else before.signature_required,
                payments_per_second=one.payments_per_second
                if one.HasField("payments_per_second")
                else before.payments_per_second,
            )
        return self._registry.entry_for(wanted)

    async def ListParticipants(
        self, request: pb.ListParticipantsRequest, context: Any
    ) -> pb.ListParticipantsResponse:
        """Tell how the participants stand, or how the calling one does."""
        caller = caller_of(context)
        everybody = sorted(self._registry.book.current.values(), key=lambda one: one.number)
        shown = [
            one
            for one in everybody
            if caller.speaks_for(one.name) and (one.has_accounts or request.everybody)
        ]
        holders = [one for one in shown if one.has_accounts]
        _, positions = await self._settling.open_positions()
        moved = {position.participant: position for position in positions}
        accounts = await self._engine.lookup_accounts(
            standing_accounts(one.number for one in holders)
        )
        purses = await self._accounts(holders)
        told_positions = {}
        for one, inside, outside in zip(holders, accounts[0::2], accounts[1::2], strict=True):
            told_positions[one.name] = pb.ParticipantPosition(
                participant=told(one),
                debits_posted=moved[one.number].debits,
                credits_posted=moved[one.number].credits,
                debits_pending=u128_of(inside["debits_pending"]),
                credits_pending=u128_of(inside["credits_pending"]),
                settlement_balance=u128_of(outside["credits_posted"])
                - u128_of(outside["debits_posted"]),
                accounts=purses[one.name],
            )
        return pb.ListParticipantsResponse(
            participants=[
                told_positions.get(one.name) or pb.ParticipantPosition(participant=told(one))
                for one in shown
            ]
        )

    async def _accounts(
        self, holders: Sequence[Participant]
    ) -> dict[str, list[pb.ParticipantAccount]]:
        """Return the accounts of participants, by name."""
        wanted = [
            (one, purpose, account_of(one.number))
            for one in holders
            for purpose, account_of in (
                _AGENCY_PURPOSES if ROLES[one.role] is Role.AGENCY else _PURPOSES
            )
        ]
        found: dict[str, list[pb.ParticipantAccount]] = {one.name: [] for one in holders}
        for start in range(0, len(wanted), ACCOUNTS_AT_ONCE):
            part = wanted[start : start + ACCOUNTS_AT_ONCE]
            held = await self._engine.lookup_accounts(u128_array(account for *_, account in part))
            debits, credits = u128_list(held["debits_posted"]), u128_list(held["credits_posted"])
            for (one, purpose, account), debit, credit in zip(part, debits, credits, strict=True):
                found[one.name].append(
                    pb.ParticipantAccount(
                        purpose=purpose,
                        id=account,
                        unit=one.unit,
                        debits_posted=str(debit),
                        credits_posted=str(credit),
                    )
                )
        return found

    async def FundParticipant(
        self, request: pb.FundParticipantRequest, context: Any
    ) -> pb.FundParticipantResponse:
        """Propose to move central bank money into a settlement account, once for each id."""
        participant = self._registry.book.current.get(request.participant)
        if participant is None or not participant.has_accounts:
            await refuse_participant(context, request.participant)
        identity = id_column([request.id])
        if not identity["hi"][0] | identity["lo"][0] or request.id[0] >= 0x80:
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "id.form",
                "16 bytes, not all zero, the topmost bit clear",
                field="id",
            )
        if not 0 < request.amount <= AMOUNT_MAX:
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "amount.zero",
                "fund more than nothing",
                field="amount",
            )
        async with refusals_told(context):
            proposal = await self._approvals.propose(
                id=request.id,
                kind=FUNDING,
                content={"participant": participant.name, "amount": str(request.amount)},
                reason=request.reason or "paid in at the central bank",
                operator=caller_of(context).name,
                due_at=request.due_at,
            )
        return pb.FundParticipantResponse(
            settlement_balance=await self._funding.balance(participant),
            proposal=proposal_told(proposal),
        )

    async def ListParticipantVersions(
        self, request: pb.ListParticipantVersionsRequest, context: Any
    ) -> pb.ListParticipantVersionsResponse:
        """Tell what a participant was, newest version first."""
        caller = caller_of(context)
        name = request.participant or ("" if caller.reads_all else caller.name)
        if not caller.speaks_for(name):
            await refuse(
                context,
                grpc.StatusCode.PERMISSION_DENIED,
                "participant.owner",
                f"the versions of {name!r} aren't for the {caller.role} {caller.name!r}",
                field="participant",
            )
        versions = self._registry.book.versions(name)
        if not versions:
            await refuse_participant(context, name)
        size = request.page_size or VERSIONS_PER_PAGE
        if size > VERSIONS_PER_PAGE_MAX:
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "page.size",
                f"at most {VERSIONS_PER_PAGE_MAX}, not {size}",
                field="page_size",
            )
        if request.at:
            at = self._registry.book.version_at(name, request.at)
            return pb.ListParticipantVersionsResponse(versions=_versions_told([at] if at else []))
        found = [
            version
            for version in reversed(versions)
            if not request.before or version.number < request.before
        ]
        return pb.ListParticipantVersionsResponse(versions=_versions_told(found[:size]))


def _certificate(name: str, role: str, given: pb.ParticipantCertificate) -> Certificate:
    """Return a certificate as it is registered; raises `ChangeRefused`."""
    field = f"{name}.certificates"
    if not given.pem:
        return Certificate(given.fingerprint.hex(), given.serial, given.not_before, given.not_after)
    try:
        certificate, says = read_certificate(given.pem.encode())
    except ValueError as error:
        raise ChangeRefused(
            field, "certificate.form", f"not a certificate in PEM: {error}"
        ) from None
    if says != f"{role}:{name}":
        hint = f"its name must be urn:payvand:{role}:{name}, and it is {says or 'none of ours'}"
        raise ChangeRefused(field, "certificate.name", hint)
    return certificate


async def _refuse_change(context: Any, refused: ChangeRefused) -> None:
    conflict = refused.rule.startswith("participant.")
    await refuse(
        context,
        grpc.StatusCode.FAILED_PRECONDITION if conflict else grpc.StatusCode.INVALID_ARGUMENT,
        "participant.conflict" if conflict else "participant.form",
        str(refused),
        field=refused.field,
    )


def _versions_told(versions: Iterable[ParticipantVersion]) -> list[pb.ParticipantVersion]:
    return [
        pb.ParticipantVersion(
            number=version.number,
            since=version.since,
            proposal=version.proposal,
            content=canonical(traits_of(version.participant)).decode(),
        )
        for version in versions
    ]


def told(participant: Participant) -> pb.Participant:
    """Return a participant as the contract says it."""
    return pb.Participant(
        name=participant.name,
        role=participant.role,
        display_name=participant.display_name,
        display_name_fa=participant.display_name_fa,
        bank_codes=participant.bank_codes,
        ibans=participant.ibans,
        net_debit_cap=participant.net_debit_cap,
        unit=participant.unit,
        auto_accept=participant.auto_accept,
        number=participant.number,
        contacts=[
            pb.ParticipantContact(
                purpose=each.purpose, name=each.name, phone=each.phone, email=each.email
            )
            for each in participant.contacts
        ],
        sending=_STATES[participant.sending],
        receiving=_STATES[participant.receiving],
        certificates=[
            pb.ParticipantCertificate(
                fingerprint=bytes.fromhex(each.fingerprint),
                serial=each.serial,
                not_before=each.not_before,
                not_after=each.not_after,
            )
            for each in participant.certificates
        ],
        signing_keys=[bytes.fromhex(key) for key in participant.signing_keys],
        signature_required=participant.signature_required,
        payments_per_second=participant.payments_per_second,
    )
