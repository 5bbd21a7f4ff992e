"""A participant's side of the directory: ask, register, claim, and prove a copy equal."""

from collections.abc import AsyncIterator, Sequence

import grpc.aio

from payvand.client.connection import Connection
from payvand.client.directory_copy import Difference, DirectoryCopy, Leaf, Node, differences
from payvand.client.payment_id import new_payment_id
from payvand.v1.directory_service_pb2 import (
    Alias,
    CancelClaimRequest,
    CancelClaimResponse,
    Claim,
    ClaimKind,
    CompareLeafRequest,
    CompareLeafResponse,
    CompleteClaimRequest,
    CompleteClaimResponse,
    ConfirmClaimRequest,
    ConfirmClaimResponse,
    GetNodesRequest,
    GetNodesResponse,
    ListClaimsRequest,
    ListClaimsResponse,
    LookUpRequest,
    LookUpResponse,
    OpenClaimRequest,
    OpenClaimResponse,
    RegisterAliasesRequest,
    RegisterAliasesResponse,
    Registration,
    RemoveAliasesRequest,
    RemoveAliasesResponse,
)
from payvand.v1.directory_service_pb2_grpc import DirectoryServiceStub
from payvand.v1.payment_pb2 import Refusal

__all__ = ["Directory"]


class Directory(Connection):
    """A participant's connection to the directory.

        async with Directory.connect("127.0.0.1:7420", Path("certificates/tejarat")) as directory:
            alias = Alias(kind=AliasKind.ALIAS_KIND_MOBILE, value="09121234567")
            payee = (await directory.look_up([alias])).payees[0]
            print(payee.masked_name, payee.iban)

    Every call may be made again. Asking costs tokens, and asking in vain many: where there are too
    few, every method raises `CallFailed`, whose `refusal.retry_after_ms` says how long to wait.
    """

    def __init__(self, address: str, channel: grpc.aio.Channel, patience_s: float) -> None:
        """Take over *channel*, which leads to *address*."""
        super().__init__(address, channel, patience_s)
        self._directory = DirectoryServiceStub(channel)

    async def look_up(self, aliases: Sequence[Alias]) -> LookUpResponse:
        """Ask who stands behind up to 1,000 aliases.

        In the reply `payees` has one for each, in the same order, empty where nobody registered it;
        `refusals` names those that are no aliases of their kind. Show the payer `masked_name`, and
        pay to `iban`.

        Raises:
            CallFailed: too many questions, or too many that found nobody.
            ClientFault: no switch answered in time, or it refused the call as a whole.
        """
        reply: LookUpResponse = await self._call(
            self._directory.LookUp, LookUpRequest(aliases=aliases)
        )
        return reply

    async def register(self, registrations: Sequence[Registration]) -> list[Refusal]:
        """Register up to 1,000 aliases for accounts of one's own; return the refused ones.

        All others stand in the directory, on stable storage.

            refusals = await directory.register([Registration(alias=alias, iban=iban, name=name)])

        Raises:
            ClientFault: no switch answered in time, or it refused the call as a whole.
        """
        reply: RegisterAliasesResponse = await self._call(
            self._directory.RegisterAliases, RegisterAliasesRequest(registrations=registrations)
        )
        return list(reply.refusals)

    async def remove(self, aliases: Sequence[Alias]) -> list[Refusal]:
        """Take up to 1,000 aliases of one's own out; return the refused ones.

        All others aren't in the directory. One that never was is no fault, but a question that
        found nobody.

        Raises:
            ClientFault: no switch answered in time, or it refused the call as a whole.
        """
        reply: RemoveAliasesResponse = await self._call(
            self._directory.RemoveAliases, RemoveAliasesRequest(aliases=aliases)
        )
        return list(reply.refusals)

    async def open_claim(
        self, kind: ClaimKind, alias: Alias, *, claim_id: bytes | None = None
    ) -> Claim:
        """Claim an alias that another bank registered, and return the claim.

        Give *claim_id* (16 bytes) to make the call again later: the same id opens one claim.

            claim = await directory.open_claim(ClaimKind.CLAIM_KIND_PORTABILITY, alias)

        Raises:
            CallFailed: nobody registered the alias, or a claim on it is open.
        """
        request = OpenClaimRequest(id=claim_id or new_payment_id(), kind=kind, alias=alias)
        reply: OpenClaimResponse = await self._call(self._directory.OpenClaim, request)
        return reply.claim

    async def confirm_claim(self, claim_id: bytes) -> Claim:
        """Say yes to a claim on one's own alias, and return the claim as it stands.

        Raises:
            CallFailed: it has ended, or isn't on an alias of the caller.
        """
        reply: ConfirmClaimResponse = await self._call(
            self._directory.ConfirmClaim, ConfirmClaimRequest(id=claim_id)
        )
        return reply.claim

    async def complete_claim(self, claim_id: bytes, iban: str, name: str) -> Claim:
        """Move the alias of one's own claim, once it is confirmed, to an account of one's own.

        Raises:
            CallFailed: the claim isn't confirmed or its time is over, or the account isn't one's
                own.
        """
        reply: CompleteClaimResponse = await self._call(
            self._directory.CompleteClaim,
            CompleteClaimRequest(id=claim_id, iban=iban, name=name),
        )
        return reply.claim

    async def cancel_claim(self, claim_id: bytes, reason: str) -> Claim:
        """Say no to a claim that one is party to, and return it as it stands.

        Raises:
            CallFailed: it is too late for that.
        """
        reply: CancelClaimResponse = await self._call(
            self._directory.CancelClaim, CancelClaimRequest(id=claim_id, reason=reason)
        )
        return reply.claim

    async def claims(self, *, ended: bool = False) -> AsyncIterator[Claim]:
        """Yield the claims that the caller is party to, newest first; with *ended*, all of them.

        A donor looks here for what waits for its answer: `claim.donor` is itself and the state is
        `CLAIM_STATE_WAITING`.

            async for claim in directory.claims():
                print(claim.alias.value, claim.claimant)
        """
        request = ListClaimsRequest(ended=ended)
        while True:
            reply: ListClaimsResponse = await self._call(self._directory.ListClaims, request)
            for claim in reply.claims:
                yield claim
            if not reply.next_page:
                return
            request.page = reply.next_page

    async def nodes(self, level: int, indexes: Sequence[int]) -> list[Node]:
        """Return up to 1,000 nodes of one level of the directory's set hash."""
        reply: GetNodesResponse = await self._call(
            self._directory.GetNodes, GetNodesRequest(level=level, indexes=indexes)
        )
        return [(node.count, node.sum) for node in reply.nodes]

    async def compare_leaf(self, index: int, digests: Sequence[bytes]) -> Leaf:
        """Return how a leaf of the directory differs from one with *digests*."""
        reply: CompareLeafResponse = await self._call(
            self._directory.CompareLeaf, CompareLeafRequest(index=index, digests=digests)
        )
        return [(entry.key, entry.digest) for entry in reply.entries], list(reply.unknown)

    async def differences(self, copy: DirectoryCopy) -> list[Difference]:
        """Return the aliases on which *copy* and the directory differ; none where it is equal.

            assert not await directory.differences(copy)

        One question proves an equal copy. The number of questions grows with the logarithm of the
        directory, for each place that differs.

        Raises:
            CallFailed: the copy lacks so much that learning it has to wait.
        """
        return await differences(copy, self)
