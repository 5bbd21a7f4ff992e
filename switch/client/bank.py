"""A participant's side of the switch: submit, follow, answer, ask."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence, Sized
from typing import Final

import grpc
import grpc.aio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from payvand.client.bills import Bills
from payvand.client.connection import Connection
from payvand.client.directory import Directory
from payvand.client.packing import PackedBatch
from payvand.client.refunds import Refunds
from payvand.client.resuming import resumed
from payvand.client.signing import sign
from payvand.client.submitting import WINDOW_BATCHES, Batch, Batches, submitting
from payvand.client.treasury import Treasury
from payvand.v1.payment_pb2 import Payment, PaymentState
from payvand.v1.payment_service_pb2 import (
    AnswerRequest,
    AnswerResponse,
    FollowRequest,
    FollowResponse,
    GetStatusRequest,
    GetStatusResponse,
    PaymentAnswer,
    PaymentStatus,
    SubmitRequest,
    SubmitResponse,
    SubmitStreamResponse,
)
from payvand.v1.payment_service_pb2_grpc import PaymentServiceStub
from payvand.v1.return_service_pb2 import (
    CreateRecallRequest,
    CreateRecallResponse,
    CreateReturnRequest,
    CreateReturnResponse,
)
from payvand.v1.return_service_pb2_grpc import ReturnServiceStub
from payvand.v1.signature_service_pb2 import SubmitSignedResponse

__all__ = ["CALL_PAYMENTS_MAX", "Bank"]

CALL_PAYMENTS_MAX: Final = 8_190
"""The contract's bound on payments, answers and ids of one message."""


class Bank(Connection):
    """A bank's connection, or a government service's, which may do all but submit.

        async with Bank.connect("127.0.0.1:7420", Path("certificates/tejarat")) as bank:
            reply = await bank.submit([payment])

    Every call may be made again with the same ids; while no switch answers, the connection does
    so by itself.
    """

    def __init__(self, address: str, channel: grpc.aio.Channel, patience_s: float) -> None:
        """Take over *channel*, which leads to *address*."""
        super().__init__(address, channel, patience_s)
        self._payments = PaymentServiceStub(channel)
        self._returns = ReturnServiceStub(channel)

    @property
    def directory(self) -> Directory:
        """The directory, over this connection: `await bank.directory.look_up([alias])`."""
        return Directory(self.address, self._channel, self._patience_s)

    @property
    def bills(self) -> Bills:
        """Bills, over this connection: an agency issues them, a bank finds and pays them."""
        return Bills(self._channel, self._call, self.address, self._patience_s)

    @property
    def treasury(self) -> Treasury:
        """What is swept to the treasury, over this connection."""
        return Treasury(self._channel, self._call)

    @property
    def refunds(self) -> Refunds:
        """Refunds of bills, over this connection."""
        return Refunds(self._channel, self._call)

    async def submit(self, payments: Sequence[Payment] | PackedBatch) -> SubmitResponse:
        """Submit up to 8,190 payments; the states that come back are on stable storage.

        A refused or declined payment is a state in the reply. For more payments, or for a
        steady flow, use `submit_stream`.

        Raises:
            ClientFault: no switch answered in time, or it refused the call as a whole.
        """
        _check_count(payments)
        reply: SubmitResponse = await self._call(self._payments.Submit, _submit_request(payments))
        return reply

    async def submit_signed(
        self, payments: Sequence[Payment] | PackedBatch, key: Ed25519PrivateKey
    ) -> SubmitResponse:
        """Do as `submit`, signed with *key*, one of those that are registered to the bank.

            reply = await bank.submit_signed([payment], read_signing_key(Path("key.pem")))

        Raises:
            ClientFault: no switch answered in time, or it refused the call as a whole.
        """
        _check_count(payments)
        reply: SubmitSignedResponse = await self._call(
            self._signatures.SubmitSigned, sign(_submit_request(payments), key)
        )
        return reply.response

    def submit_stream(
        self, batches: Batches, *, window: int = WINDOW_BATCHES
    ) -> AsyncIterator[tuple[Batch, SubmitStreamResponse]]:
        """Submit *batches* with *window* of them under way; yield each with its answer, in order.

        Batches are taken from the source as there is room, so a source of any length does. After
        a break in the connection the unanswered ones are sent again by themselves.

        Raises:
            ClientFault: no switch answered in time, or it refused the call as a whole.
        """
        return submitting(
            self._payments.SubmitStream,
            batches,
            address=self.address,
            patience_s=self._patience_s,
            window=window,
        )

    def follow(self, cursor: int = 0) -> AsyncGenerator[FollowResponse]:
        """Yield every step that concerns the caller after *cursor*, then live ones, for ever.

        Keep a step's cursor together with what you did about it: that makes each step take
        effect exactly once. After a break the stream resumes from the last step yielded.

        Raises:
            ClientFault: no switch answered in time, or it refused the call.
        """
        return resumed(
            self._payments.Follow,
            FollowRequest(cursor=cursor),
            address=self.address,
            patience_s=self._patience_s,
        )

    async def answer(self, answers: Sequence[PaymentAnswer]) -> list[PaymentState]:
        """Accept or reject payments offered to the caller; return where each stands now.

        Raises:
            ClientFault: no switch answered in time, or it refused the call as a whole.
        """
        _check_count(answers)
        reply: AnswerResponse = await self._call(
            self._payments.Answer, AnswerRequest(answers=answers)
        )
        return list(reply.states)

    async def give_back(
        self, original: Payment, amount: int, *, number: int, reason: str, remittance: str = ""
    ) -> CreateReturnResponse:
        """Give back *amount* minor units of a payment to the caller; tell what became of it.

            made = await bank.give_back(offer, offer.amount, number=1, reason="CUST")

        Args:
            original: the payment as it was offered: its id and both accounts are used.
            amount: in minor units; all returns of a payment are never more than it.
            number: which of its returns this is, 1 to 64; the same number makes no second return.
            reason: an ISO 20022 return reason code.
            remittance: text for the one who gets back.

        Raises:
            ClientFault: no switch answered in time, or it refused the return.
        """
        request = CreateReturnRequest(
            original_id=original.id,
            number=number,
            amount=amount,
            reason_code=reason,
            debtor_iban=original.creditor_iban,
            creditor_iban=original.debtor_iban,
            remittance=remittance,
        )
        reply: CreateReturnResponse = await self._call(self._returns.CreateReturn, request)
        return reply

    async def recall(
        self, original: Payment, *, reason: str, remittance: str = ""
    ) -> CreateRecallResponse:
        """Ask for a payment of the caller back; the creditor's side answers as it does an offer.

        Raises:
            ClientFault: no switch answered in time, or it refused the recall.
        """
        request = CreateRecallRequest(
            original_id=original.id, reason_code=reason, remittance=remittance
        )
        reply: CreateRecallResponse = await self._call(self._returns.CreateRecall, request)
        return reply

    async def status(self, ids: Sequence[bytes]) -> list[PaymentStatus]:
        """Return where the payments of *ids* stand, in the same order, also for unknown ones.

        Raises:
            ClientFault: no switch answered in time, or it refused the call as a whole.
        """
        _check_count(ids)
        reply: GetStatusResponse = await self._call(
            self._payments.GetStatus, GetStatusRequest(ids=ids)
        )
        return list(reply.statuses)


def _submit_request(payments: Sequence[Payment] | PackedBatch) -> SubmitRequest:
    if isinstance(payments, PackedBatch):
        return SubmitRequest(packed=payments.records.tobytes(), packed_texts=payments.texts)
    return SubmitRequest(payments=payments)


def _check_count(items: Sized) -> None:
    if len(items) > CALL_PAYMENTS_MAX:
        raise ValueError(
            f"one call carries at most {CALL_PAYMENTS_MAX} payments, not {len(items)}; "
            "split them, or submit with submit_stream"
        )
