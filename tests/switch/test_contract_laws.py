"""What holds of every method of the contract, whichever there are: the descriptors are the list.

A method that is added to the contract fails here until somebody says whose things it touches, and
by what a retry of it is known.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from payvand.client.connection import open_channel
from payvand.client.signing import public_key_of, sign, write_signing_key
from payvand.switch.identity import METHOD_ROLES, Role
from payvand.v1 import (
    availability_service_pb2,
    directory_service_pb2,
    participant_service_pb2,
    payment_service_pb2,
    return_service_pb2,
    signature_service_pb2,
    statement_service_pb2,
)
from payvand.v1.payment_pb2 import PaymentState
from tests.support.town import Town, open_town
from tests.switch.test_identity import METHODS, path_of

TESTS: Final = Path(__file__).resolve().parents[1]
PARTICIPANTS: Final = {Role.BANK, Role.AGENCY}

# --- one's own and others' -----------------------------------------------------------------------


def short(method: MethodDescriptor) -> str:
    return f"{method.containing_service.name}/{method.name}"


class Things:
    """Things of mellat and melli, that saderat tries to see or to change."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.waiting = town.pay("melli", "mellat", 5)
        self.settled = town.pay("melli", "mellat", 7)

    async def make(self, folder: Path) -> None:
        self.key = write_signing_key(folder / "key.pem")
        await self.town.change("melli", signing_keys=[public_key_of(self.key).hex()])
        await self.town.bank("melli").submit_signed([self.waiting, self.settled], self.key)
        await self.town.answer("mellat", self.settled.id)


Probe = Callable[[Things], Any]
OTHERS: Final[dict[str, tuple[Probe, Callable[[Any], bool]]]] = {
    "PaymentService/Submit": (
        lambda things: payment_service_pb2.SubmitRequest(
            payments=[things.town.pay("melli", "mellat", 1)]
        ),
        lambda reply: reply.refusals[0].rule == "route.not_yours",
    ),
    "PaymentService/Answer": (
        lambda things: payment_service_pb2.AnswerRequest(
            answers=[payment_service_pb2.PaymentAnswer(id=things.waiting.id, accept=True)]
        ),
        lambda reply: list(reply.states) == [PaymentState.PAYMENT_STATE_UNKNOWN],
    ),
    "PaymentService/GetStatus": (
        lambda things: payment_service_pb2.GetStatusRequest(ids=[things.settled.id]),
        lambda reply: reply.statuses[0].state == PaymentState.PAYMENT_STATE_UNKNOWN,
    ),
    "ReturnService/CreateReturn": (
        lambda things: return_service_pb2.CreateReturnRequest(
            original_id=things.settled.id,
            number=1,
            amount=1,
            reason_code="CUST",
            debtor_iban=things.settled.creditor_iban,
            creditor_iban=things.settled.debtor_iban,
        ),
        lambda reply: reply is grpc.StatusCode.NOT_FOUND,
    ),
    "ReturnService/CreateRecall": (
        lambda things: return_service_pb2.CreateRecallRequest(
            original_id=things.settled.id, reason_code="CUST"
        ),
        lambda reply: reply is grpc.StatusCode.NOT_FOUND,
    ),
    "SignatureService/SubmitSigned": (
        lambda things: sign(
            payment_service_pb2.SubmitRequest(payments=[things.waiting]), things.key
        ),
        lambda reply: reply is grpc.StatusCode.INVALID_ARGUMENT,
    ),
    "SignatureService/GetSignedRequest": (
        lambda things: signature_service_pb2.GetSignedRequestRequest(id=things.settled.id),
        lambda reply: reply is grpc.StatusCode.NOT_FOUND,
    ),
    "AvailabilityService/SayAvailability": (
        lambda things: availability_service_pb2.SayAvailabilityRequest(
            participant="mellat", availability=availability_service_pb2.AVAILABILITY_DOWN
        ),
        lambda reply: reply is grpc.StatusCode.PERMISSION_DENIED,
    ),
    "ParticipantService/ListParticipants": (
        lambda things: participant_service_pb2.ListParticipantsRequest(everybody=True),
        lambda reply: [one.participant.name for one in reply.participants] == ["saderat"],
    ),
    "ParticipantService/ListParticipantVersions": (
        lambda things: participant_service_pb2.ListParticipantVersionsRequest(participant="mellat"),
        lambda reply: reply is grpc.StatusCode.PERMISSION_DENIED,
    ),
    "StatementService/GetStatement": (
        lambda things: statement_service_pb2.GetStatementRequest(participant="mellat"),
        lambda reply: reply is grpc.StatusCode.PERMISSION_DENIED,
    ),
    "DirectoryService/ListClaims": (
        lambda things: directory_service_pb2.ListClaimsRequest(),
        lambda reply: not reply.claims,
    ),
}
"""What saderat asks about others' things, and how the answer must be; by method."""

ALIKE: Final = {
    "AvailabilityService/WatchAvailability",
    "DirectoryService/LookUp",
    "DirectoryService/GetNodes",
    "DirectoryService/CompareLeaf",
    "FeeAssessmentService/Assess",
    "FeeCatalogueService/CompareSchedule",
    "FeeCatalogueService/ListSchedules",
    "FeeCatalogueService/GetSchedule",
    "BillService/FindBills",
    "FeeReportService/GetDailyReport",
}
"""What every participant may ask, and is told alike."""

SHOWN_IN: Final = {
    "PaymentService/SubmitStream": "switch/test_payments.py",
    "PaymentService/Follow": "switch/test_following.py",
    "DirectoryService/RegisterAliases": "switch/directory/test_directory.py",
    "DirectoryService/RemoveAliases": "switch/directory/test_directory.py",
    "DirectoryService/OpenClaim": "switch/directory/test_directory_service.py",
    "DirectoryService/ConfirmClaim": "switch/directory/test_directory_service.py",
    "DirectoryService/CompleteClaim": "switch/directory/test_directory_service.py",
    "DirectoryService/CancelClaim": "switch/directory/test_directory_service.py",
    "StatementService/FollowStatement": "switch",
    "PositionService/GetPosition": "switch",
    "PositionService/FollowPosition": "switch",
    "PositionService/FollowAlerts": "switch",
    "QuoteService/Quote": "switch",
    "BillService/IssueBills": "switch/fees",
    "BillService/AmendBill": "switch/fees",
    "BillService/ObjectToBill": "switch/fees",
    "BillService/ListActs": "switch/fees",
    "FeePaymentService/PayBills": "switch/fees/test_paying.py",
    "RefundService/ListRefunds": "switch/fees/test_refunds.py",
    "FeeEventService/FollowBills": "switch/fees/test_events.py",
    "FeeEventService/GetWebhook": "switch/fees/test_events.py",
    "FeeEventService/PutWebhook": "switch/fees/test_events.py",
    "FeeEventService/RemoveWebhook": "switch/fees/test_events.py",
    "FeeDeviceService/ListDevices": "switch/fees",
    "FeeDeviceService/BringCharges": "switch/fees",
    "ReceiptService/GetReceipt": "switch/fees/test_receipts.py",
    "FeeReportService/GetDailyTotals": "switch/fees/openness/test_report.py",
}
"""Where tests of their own show whose things a method touches: a file or a folder of tests."""


def test_every_method_of_participants_says_whose_things_it_touches() -> None:
    theirs = {short(method) for method in METHODS if METHOD_ROLES[path_of(method)] & PARTICIPANTS}
    said = [*OTHERS, *ALIKE, *SHOWN_IN]
    assert len(said) == len(set(said))
    assert theirs == set(said)
    for place in SHOWN_IN.values():
        assert (TESTS / place).exists(), place


async def ask(town: Town, name: str, method: MethodDescriptor, request: Any) -> Any:
    """Make a call of one message either way; return the reply, or the code that refused it."""
    town.bank(name)
    async with open_channel(town.switch.address.address, town.certificates / name) as channel:
        call = channel.unary_unary(
            path_of(method),
            request_serializer=type(request).SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        try:
            return await call(request)
        except grpc.aio.AioRpcError as error:
            return error.code()


def test_a_participant_neither_sees_nor_changes_what_is_others(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_town(tmp_path, database) as town:
            things = Things(town)
            await things.make(tmp_path)
            sequence = (await town.operator.totals()).ledger.sequence
            for method in METHODS:
                if short(method) not in OTHERS:
                    continue
                request, is_right = OTHERS[short(method)]
                reply = await ask(town, "saderat", method, request(things))
                assert is_right(reply), (short(method), reply)
            assert (await town.operator.totals()).ledger.sequence == sequence, "nothing changed"

    asyncio.run(scene())


# --- made again ----------------------------------------------------------------------------------

KEYS: Final = {
    "PaymentService/Submit": "payments.id",
    "PaymentService/SubmitStream": "payments.id",
    "PaymentService/Answer": "answers.id",
    "AvailabilityService/SayAvailability": "availability",
    "SignatureService/SubmitSigned": "request",
    "ReturnService/CreateReturn": "original_id",
    "ReturnService/CreateRecall": "original_id",
    "DirectoryService/RegisterAliases": "registrations.alias",
    "DirectoryService/RemoveAliases": "aliases",
    "DirectoryService/OpenClaim": "id",
    "DirectoryService/ConfirmClaim": "id",
    "DirectoryService/CompleteClaim": "id",
    "DirectoryService/CancelClaim": "id",
    "ParticipantService/PutParticipants": "id",
    "ParticipantService/FundParticipant": "id",
    "SettlementService/CloseWindow": "window",
    "BusinessDayService/CloseDay": "date",
    "ApprovalService/Propose": "id",
    "ApprovalService/Approve": "id",
    "ApprovalService/Refuse": "id",
    "ApprovalService/Schedule": "id",
    "ApprovalService/Cancel": "id",
    "FeeDeviceService/BringCharges": "batches",
    "FeeEventService/PutWebhook": "url",
    "FeeEventService/RemoveWebhook": "",
    "TreasuryService/SweepWindow": "window",
    "RuleTableService/ImportTable": "id",
    "RuleTableService/RestoreVersion": "id",
}
"""By which field of its request a call that is made again is known to be the same; empty where who
calls is enough."""

READS: Final = ("Get", "List", "Follow", "Watch", "Find", "Compare", "LookUp", "Quote", "Assess")
"""How the names of methods begin that change nothing."""

ELSEWHERE: Final = (
    "BillService",
    "FeePaymentService",
    "FeeCatalogueService",
    "RefundService",
    "FeeDeviceService",
    "ReportService",
    "TreasuryService",
)
"""Services whose retries tests of their own show; their writing methods have a key too."""


def has_field(message: Descriptor, path: str) -> bool:
    first, _, rest = path.partition(".")
    field = message.fields_by_name.get(first)
    if field is None:
        return False
    return not rest or has_field(field.message_type, rest)


def key_like(message: Descriptor, depth: int = 2) -> bool:
    """Tell whether a request, or what it lists, carries something that names one act."""
    names = {"id", "number", "serial", "name", "digest", "refund_id", "sequence", "receipt"}
    for field in message.fields:
        if field.name in names or field.name.endswith(("_id", "_number")):
            return True
        if depth and field.message_type is not None and key_like(field.message_type, depth - 1):
            return True
    return False


def test_every_writing_method_has_a_key_by_which_a_retry_is_known() -> None:
    writing = [method for method in METHODS if not method.name.startswith(READS)]
    for method in writing:
        if short(method) not in KEYS and method.containing_service.name in ELSEWHERE:
            assert key_like(method.input_type), short(method)
            continue
        assert short(method) in KEYS, f"say by what a retry of {short(method)} is known"
        key = KEYS[short(method)]
        assert not key or has_field(method.input_type, key), short(method)
    assert set(KEYS) <= {short(method) for method in writing}


async def effects(town: Town) -> tuple[Any, ...]:
    """Return what a second call must not change: totals, positions, proposals and their acts."""
    totals = (await town.operator.totals()).ledger
    totals.sequence = 0  # A retry of a payment may be a frame of its own, which moves nothing.
    positions = [one.SerializeToString() for one in await town.operator.participants()]
    proposals = [
        (one.id, one.state, len(one.acts)) async for one in town.operator.approvals.proposals()
    ]
    return totals.SerializeToString(), positions, proposals


Act = Callable[[], Awaitable[Any]]


def test_a_second_call_has_no_second_effect(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_town(tmp_path, database) as town:
            things = Things(town)
            await things.make(tmp_path)
            payment = town.pay("melli", "mellat", 3)
            proposal = await town.operator.change_participant(
                "melli", {"net_debit_cap": "999"}, reason="r"
            )
            other = await town.operator.change_participant(
                "melli", {"net_debit_cap": "998"}, reason="r"
            )
            await town.fund("melli", 10_000)
            later = town.clock.now + 3_600_000_000_000
            melli, mellat = town.bank("melli"), town.bank("mellat")
            operator, second = town.operator, town.second
            put = participant_service_pb2.Participant()
            put.CopyFrom((await operator.participants())[2].participant)
            put.display_name = "Saderat"
            waiting = await operator.change_participant(
                "tax", {"display_name": "Tax"}, reason="r", due_at=later
            )
            acts: dict[str, Act] = {
                "PaymentService/Submit": lambda: melli.submit([payment]),
                "PaymentService/Answer": lambda: town.answer("mellat", payment.id),
                "SignatureService/SubmitSigned": lambda: melli.submit_signed(
                    [things.waiting], things.key
                ),
                "ReturnService/CreateReturn": lambda: mellat.give_back(
                    things.settled, 2, number=1, reason="CUST"
                ),
                "ReturnService/CreateRecall": lambda: melli.recall(things.settled, reason="CUST"),
                "AvailabilityService/SayAvailability": lambda: mellat.say_availability(
                    availability_service_pb2.AVAILABILITY_DEGRADED
                ),
                "ParticipantService/PutParticipants": lambda: operator.put_participants(
                    [put], id=b"\x01" * 16
                ),
                "ParticipantService/FundParticipant": lambda: operator.fund(
                    "melli", 5, funding_id=b"\x02" * 16
                ),
                "ApprovalService/Propose": lambda: operator.approvals.propose(
                    "participant.funding",
                    '{"participant": "melli", "amount": "4"}',
                    reason="r",
                    id=b"\x03" * 16,
                ),
                "ApprovalService/Approve": lambda: second.approve(proposal),
                "ApprovalService/Refuse": lambda: second.approvals.refuse(other.id),
                "SettlementService/CloseWindow": lambda: operator.close_window(1),
            }
            assert set(acts) <= set(KEYS)
            for name, act in acts.items():
                first = await act()
                before = await effects(town)
                again = await act()
                assert await effects(town) == before, name
                if name not in ("ReturnService/CreateReturn",):
                    assert again == first, name
            await second.approvals.approve(waiting.id, digest=waiting.digest)
            await operator.approvals.cancel(waiting.id)
            before = await effects(town)
            await operator.approvals.cancel(waiting.id)
            assert await effects(town) == before

    asyncio.run(scene())
