"""ParticipantService: onboarding, funding, and how everybody stands.

What changes something is written into the audit trail before it is done or in the transaction that
does it.
"""

from collections.abc import Sequence
from typing import Any, Final

import grpc
import numpy as np

from payvand.core.engine import Engine
from payvand.core.records import TRANSFER, u128_array, u128_list, u128_of
from payvand.core.statuses import TransferStatus
from payvand.settlement.closing import standing_accounts
from payvand.settlement.database import Pool, record_audit
from payvand.settlement.netting import settlement_account
from payvand.switch import directory_file
from payvand.switch.identity import caller_of
from payvand.switch.participant import Participant
from payvand.switch.participants import (
    CENTRAL_BANK_ACCOUNT,
    FUNDING_CODE,
    ParticipantRefused,
    Registry,
)
from payvand.switch.refusing import refuse, refuse_participant
from payvand.switch.settling import Settling
from payvand.switch.standing import id_column
from payvand.v1 import participant_service_pb2 as pb

__all__ = ["ParticipantServicer"]

_ROLES: Final = {
    pb.ParticipantRole.PARTICIPANT_ROLE_BANK: "bank",
    pb.ParticipantRole.PARTICIPANT_ROLE_AGENCY: "agency",
}
_NO_ROLE: Final = "none"


class ParticipantServicer:
    """Serve `payvand.v1.ParticipantService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["ParticipantService"]

    def __init__(self, engine: Engine, pool: Pool, registry: Registry, settling: Settling) -> None:
        """Serve from *registry*; what stands in the open window from *engine* and *settling*."""
        self._engine = engine
        self._pool = pool
        self._registry = registry
        self._settling = settling

    async def PutParticipants(
        self, request: pb.PutParticipantsRequest, context: Any
    ) -> pb.PutParticipantsResponse:
        """Onboard participants or bring them up to date, all of the request or none."""
        try:
            wanted = _checked(request.participants)
            stored = await self._registry.put(wanted, operator=caller_of(context).name)
        except directory_file.DirectoryFileError as fault:
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "participant.form",
                str(fault),
                field="participants",
            )
        except ParticipantRefused as fault:
            await refuse(
                context, grpc.StatusCode.FAILED_PRECONDITION, "participant.conflict", str(fault)
            )
        return pb.PutParticipantsResponse(participants=map(_told, stored))

    async def ListParticipants(
        self, request: pb.ListParticipantsRequest, context: Any
    ) -> pb.ListParticipantsResponse:
        """Tell how the participants stand, or how the calling one does."""
        caller = caller_of(context)
        shown = [one for one in self._registry.participants if caller.speaks_for(one.name)]
        _, positions = await self._settling.open_positions()
        moved = {position.participant: position for position in positions}
        accounts = await self._engine.lookup_accounts(
            standing_accounts(one.number for one in shown)
        )
        inside, outside = accounts[0::2], accounts[1::2]
        balances = zip(
            u128_list(outside["credits_posted"]), u128_list(outside["debits_posted"]), strict=True
        )
        return pb.ListParticipantsResponse(
            participants=[
                pb.ParticipantPosition(
                    participant=_told(one),
                    debits_posted=moved[one.number].debits,
                    credits_posted=moved[one.number].credits,
                    debits_pending=u128_of(account["debits_pending"]),
                    credits_pending=u128_of(account["credits_pending"]),
                    settlement_balance=credits - debits,
                )
                for one, account, (credits, debits) in zip(shown, inside, balances, strict=True)
            ]
        )

    async def FundParticipant(
        self, request: pb.FundParticipantRequest, context: Any
    ) -> pb.FundParticipantResponse:
        """Move central bank money into a participant's settlement account, once for each id."""
        route = self._registry.routing.by_name.get(request.participant)
        if route is None:
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
        if not request.amount:
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "amount.zero",
                "fund more than nothing",
                field="amount",
            )
        async with self._pool.acquire() as connection:
            await record_audit(
                connection,
                operator=caller_of(context).name,
                act="participant.fund",
                subject=route.name,
                detail=f'{{"id": "{request.id.hex()}", "amount": "{request.amount}"}}',
            )
        account = settlement_account(route.number)
        funding = np.zeros(1, TRANSFER)
        funding["id"] = identity
        funding["debit_account_id"]["lo"] = CENTRAL_BANK_ACCOUNT
        funding["credit_account_id"]["lo"] = account
        funding["amount"]["lo"] = request.amount
        funding["ledger"] = route.ledger
        funding["code"] = FUNDING_CODE
        status = int((await self._engine.create_transfers(funding)).results["status"][0])
        if status not in (TransferStatus.CREATED, TransferStatus.EXISTS):
            await refuse(
                context,
                grpc.StatusCode.FAILED_PRECONDITION,
                f"ledger.{TransferStatus(status).name.lower()}",
                "the funding isn't in the books: give each funding its own id",
            )
        held = (await self._engine.lookup_accounts(u128_array([account])))[0]
        balance = u128_of(held["credits_posted"]) - u128_of(held["debits_posted"])
        return pb.FundParticipantResponse(settlement_balance=balance)


def _checked(participants: Sequence[pb.Participant]) -> list[Participant]:
    """Return what a request asks for, by the rules of a directory file."""
    entries = directory_file.parse(
        {
            "participant": [
                {
                    "name": one.name,
                    "role": _ROLES.get(one.role, _NO_ROLE),
                    "display_name": one.display_name,
                    "bank_codes": list(one.bank_codes),
                    "ibans": list(one.ibans),
                    "net_debit_cap": one.net_debit_cap,
                    "prefunding": 0,
                    "unit": one.unit,
                    "auto_accept": one.auto_accept,
                }
                | ({"display_name_fa": one.display_name_fa} if one.display_name_fa else {})
                for one in participants
            ]
        }
    )
    return [
        Participant(
            number=0,
            name=entry.name,
            role=one.role,
            display_name=entry.display_name,
            display_name_fa=entry.display_name_fa,
            bank_codes=entry.bank_codes,
            ibans=entry.ibans,
            net_debit_cap=entry.net_debit_cap,
            unit=entry.unit,
            auto_accept=entry.auto_accept,
        )
        for entry, one in zip(entries, participants, strict=True)
    ]


def _told(participant: Participant) -> pb.Participant:
    return pb.Participant(
        name=participant.name,
        role=participant.role,  # type: ignore[arg-type]  # the number is one of the enum's
        display_name=participant.display_name,
        display_name_fa=participant.display_name_fa,
        bank_codes=participant.bank_codes,
        ibans=participant.ibans,
        net_debit_cap=participant.net_debit_cap,
        unit=participant.unit,
        auto_accept=participant.auto_accept,
        number=participant.number,
    )
