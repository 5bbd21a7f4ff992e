"""One connection to the switch: mutual TLS, keepalive, and calls that are made again."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final, Self

import grpc
import grpc.aio

from payvand.client.backoff import Backoff
from payvand.client.faults import CertificatesMissing, ended_early, fault_of, is_broken_off
from payvand.client.positions import Positions
from payvand.v1.availability_service_pb2 import (
    Availability,
    ParticipantAvailability,
    SayAvailabilityRequest,
    SayAvailabilityResponse,
    WatchAvailabilityRequest,
)
from payvand.v1.availability_service_pb2_grpc import AvailabilityServiceStub
from payvand.v1.participant_service_pb2 import (
    ListParticipantsRequest,
    ListParticipantsResponse,
    ListParticipantVersionsRequest,
    ListParticipantVersionsResponse,
    ParticipantPosition,
    ParticipantVersion,
)
from payvand.v1.participant_service_pb2_grpc import ParticipantServiceStub
from payvand.v1.signature_service_pb2 import GetSignedRequestRequest, GetSignedRequestResponse
from payvand.v1.signature_service_pb2_grpc import SignatureServiceStub
from payvand.v1.statement_service_pb2 import GetStatementRequest, GetStatementResponse
from payvand.v1.statement_service_pb2_grpc import StatementServiceStub

__all__ = ["MESSAGE_BYTES_MAX", "PATIENCE_S", "Connection", "open_channel"]

MESSAGE_BYTES_MAX: Final = 16 * 1024 * 1024
"""Both ways; a full batch of 8,190 payments with every field filled is under 8 MiB."""
PATIENCE_S: Final = 60.0
"""How long a call is made again and again while no switch answers."""
CALL_TIMEOUT_S: Final = 60.0
"""After this a single call that is not a stream fails."""
STATEMENT_PAGE_ENTRIES: Final = 5_000

CHANNEL_OPTIONS: Final = (
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    # A dead peer is noticed within 40 s also on a stream where nothing happens. The server
    # must allow pings this often (grpc.http2.min_recv_ping_interval_without_data_ms).
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    # grpc's own waits between connection attempts, short: ours (see Backoff) is what is bounded.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)


def open_channel(address: str, certificates: Path) -> grpc.aio.Channel:
    """Open a channel to *address* (`host:port`) with the files of the folder *certificates*.

    The folder holds `ca.pem`, `certificate.pem` and `key.pem`.

    Raises:
        CertificatesMissing: a file is missing or can't be read.
    """
    try:
        ca, certificate, key = (
            (certificates / name).read_bytes() for name in ("ca.pem", "certificate.pem", "key.pem")
        )
    except OSError as fault:
        raise CertificatesMissing(
            f"the certificate folder {certificates} can't be used ({fault.strerror}: "
            f"{fault.filename})",
            hint="issue the certificates with `payvand certificates`, or give another folder",
        ) from fault
    credentials = grpc.ssl_channel_credentials(ca, key, certificate)
    return grpc.aio.secure_channel(address, credentials, options=CHANNEL_OPTIONS)


class Connection:
    """What banks, government services and operators share: a channel, retries, statements.

    Use it as an asynchronous context, or `close` it.
    """

    def __init__(self, address: str, channel: grpc.aio.Channel, patience_s: float) -> None:
        """Take over *channel*, which leads to *address*."""
        self.address = address
        self._channel = channel
        self._patience_s = patience_s
        self._participants = ParticipantServiceStub(channel)
        self._statements = StatementServiceStub(channel)
        self._signatures = SignatureServiceStub(channel)
        self._availability = AvailabilityServiceStub(channel)

    @classmethod
    def connect(cls, address: str, certificates: Path, *, patience_s: float = PATIENCE_S) -> Self:
        """Connect to the switch at *address* (`host:port`) as the holder of *certificates*.

        Returns at once; the first call opens the connection. Calls are made again for up to
        *patience_s* seconds while no switch answers.

        Raises:
            CertificatesMissing: the folder *certificates* lacks a file.
        """
        return cls(address, open_channel(address, certificates), patience_s)

    async def __aenter__(self) -> Self:
        """Return the connection itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    async def close(self) -> None:
        """Close the connection; streams that are open end."""
        await self._channel.close()

    @property
    def positions(self) -> Positions:
        """Positions, alerts, entries and quotes: `async for told in bank.positions.follow()`."""
        return Positions(self._channel, self._call, self.address, self._patience_s)

    async def participants(self, *, everybody: bool = False) -> list[ParticipantPosition]:
        """Return the participants with their positions; a bank sees itself alone.

        With *everybody* also those without accounts: the central bank, operators, auditors.
        """
        reply: ListParticipantsResponse = await self._call(
            self._participants.ListParticipants, ListParticipantsRequest(everybody=everybody)
        )
        return list(reply.participants)

    async def signed_request(self, payment: bytes) -> GetSignedRequestResponse:
        """Return the signed request that a payment of the caller came in; operators ask for any.

        Raises:
            CallFailed: no signed request holds such a payment.
        """
        reply: GetSignedRequestResponse = await self._call(
            self._signatures.GetSignedRequest, GetSignedRequestRequest(id=payment)
        )
        return reply

    async def availability(self) -> AsyncGenerator[list[ParticipantAvailability]]:
        """Yield how available every participant is, then those that change, for ever.

        After a break all are told again.
        """
        backoff = Backoff(self._patience_s)
        while True:
            call = self._availability.WatchAvailability(WatchAvailabilityRequest())
            try:
                async for told in call:
                    backoff.progress()
                    yield list(told.participants)
                if not await backoff.wait():
                    raise ended_early(self.address)
            except grpc.aio.AioRpcError as error:
                if not is_broken_off(error) or not await backoff.wait():
                    raise fault_of(error, self.address) from error
            finally:
                call.cancel()

    async def say_availability(
        self, level: Availability, *, participant: str = "", remark: str = ""
    ) -> ParticipantAvailability:
        """Say how available the caller is, or as an operator *participant*; up takes it back."""
        request = SayAvailabilityRequest(participant=participant, availability=level, remark=remark)
        reply: SayAvailabilityResponse = await self._call(
            self._availability.SayAvailability, request
        )
        return reply.participant

    async def participant_versions(
        self, participant: str = "", *, at: int = 0
    ) -> list[ParticipantVersion]:
        """Return what a participant was, newest version first; or the version that was at *at*.

        A bank may leave *participant* empty for itself; *at* is in nanoseconds since 1970.
        """
        request = ListParticipantVersionsRequest(participant=participant, at=at, page_size=1_000)
        reply: ListParticipantVersionsResponse = await self._call(
            self._participants.ListParticipantVersions, request
        )
        return list(reply.versions)

    async def statement(
        self,
        participant: str = "",
        *,
        window: int = 0,
        account: str = "",
        page_size: int = STATEMENT_PAGE_ENTRIES,
    ) -> AsyncIterator[GetStatementResponse]:
        """Yield the pages of a statement; totals stand on each, entries in the order of the books.

        Args:
            participant: the short name; a bank may leave it empty for itself.
            window: the number of the settlement window; 0 for the open one.
            account: `position`, `settlement`, `charges` or `collateral`; empty for the position.
            page_size: entries a page, at most 10,000.
        """
        request = GetStatementRequest(
            participant=participant, window=window, account=account, page_size=page_size
        )
        while True:
            page: GetStatementResponse = await self._call(self._statements.GetStatement, request)
            yield page
            if not page.next_page:
                return
            request.page = page.next_page

    async def _call(self, method: Callable[..., Any], request: object) -> Any:
        """Call *method*, again while no switch answers; every call of the contract allows it.

        Raises:
            ClientFault: nobody answered in time, or the switch answered with an error.
        """
        backoff = Backoff(self._patience_s)
        while True:
            try:
                return await method(request, timeout=CALL_TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                if not is_broken_off(error) or not await backoff.wait():
                    raise fault_of(error, self.address) from error
