"""DirectoryService: questions to the directory and changes of it, message by message.

Nothing here knows a rule of the directory; it knows the caller, the bounds of a call, and how
refusals are told: those of one alias among many in the answer, all others as the call's status.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn
from uuid import UUID

import grpc
import grpc.aio

from payvand.switch.directory.alias import alias_number
from payvand.switch.directory.claims import Claim, ClaimKind, ClaimRefused, ClaimState
from payvand.switch.directory.directory import (
    AliasRefused,
    Directory,
    Registration,
    Throttled,
    is_text,
    key_of,
)
from payvand.switch.directory.registrar import EPOCH, Registrar
from payvand.switch.directory.set_tree import LEVEL_MAX
from payvand.switch.identity import caller_of
from payvand.switch.participants import Registry
from payvand.switch.refusing import refuse
from payvand.v1 import directory_service_pb2 as pb
from payvand.v1.payment_pb2 import Refusal

__all__ = ["ALIASES_MAX", "LEAF_DIGESTS_MAX", "DirectoryServicer"]

ALIASES_MAX: Final = 1_000
"""Aliases, nodes and claims of one message."""
LEAF_DIGESTS_MAX: Final = 16_384
CLAIMS_PER_PAGE: Final = 100
REASON_LENGTH_MAX: Final = 140
ID_BYTES: Final = 16
DIGEST_BYTES: Final = 32

_KINDS: Final = {pb.CLAIM_KIND_PORTABILITY: ClaimKind.PORTABILITY} | {
    pb.CLAIM_KIND_OWNERSHIP: ClaimKind.OWNERSHIP
}
_KIND_NUMBERS: Final = {kind: number for number, kind in _KINDS.items()}
_STATE_NUMBERS: Final = {
    ClaimState.WAITING: pb.CLAIM_STATE_WAITING,
    ClaimState.CONFIRMED: pb.CLAIM_STATE_CONFIRMED,
    ClaimState.COMPLETED: pb.CLAIM_STATE_COMPLETED,
    ClaimState.CANCELLED: pb.CLAIM_STATE_CANCELLED,
}


class DirectoryServicer:
    """Serve the methods of `payvand.v1.DirectoryService`; the contract says what each promises."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["DirectoryService"]

    def __init__(
        self,
        registrar: Registrar,
        registry: Registry,
        clock: Callable[[], int],
    ) -> None:
        """Serve from *registrar*'s directory; *clock* gives nanoseconds since 1970."""
        self._registrar = registrar
        self._directory: Directory = registrar.directory
        self._registry = registry
        self._clock = clock

    # --- aliases -----------------------------------------------------------------------------

    async def LookUp(self, request: pb.LookUpRequest, context: Any) -> pb.LookUpResponse:
        """Tell who stands behind aliases."""
        asker = await self._caller(context)
        await _bound(context, "aliases", request.aliases)
        keys: dict[int, int] = {}
        refusals = []
        for place, alias in enumerate(request.aliases):
            try:
                keys[place] = key_of(alias.kind, alias.value)
            except AliasRefused as refused:
                refusals.append(_refusal(place, refused))
        async with _telling(context):
            found = self._directory.payees(asker, list(keys.values()), now_ns=self._clock())
        payees = [pb.Payee() for _ in request.aliases]
        for place, payee in zip(keys, found, strict=True):
            if payee is not None:
                payees[place] = pb.Payee(
                    iban=payee.account.iban,
                    bank=self._directory.holder(payee.account.bank_code) or "",
                    masked_name=payee.masked_name,
                )
        return pb.LookUpResponse(payees=payees, refusals=refusals)

    async def RegisterAliases(
        self, request: pb.RegisterAliasesRequest, context: Any
    ) -> pb.RegisterAliasesResponse:
        """Register aliases for accounts of the caller."""
        by = await self._caller(context)
        await _bound(context, "registrations", request.registrations)
        wanted = [
            Registration(one.alias.kind, one.alias.value, one.iban, one.name)
            for one in request.registrations
        ]
        async with _telling(context):
            refused = await self._registrar.register(by, wanted)
        return pb.RegisterAliasesResponse(refusals=_refusals(refused))

    async def RemoveAliases(
        self, request: pb.RemoveAliasesRequest, context: Any
    ) -> pb.RemoveAliasesResponse:
        """Take aliases of the caller out."""
        by = await self._caller(context)
        await _bound(context, "aliases", request.aliases)
        async with _telling(context):
            refused = await self._registrar.remove(
                by, [(alias.kind, alias.value) for alias in request.aliases]
            )
        return pb.RemoveAliasesResponse(refusals=_refusals(refused))

    # --- claims ------------------------------------------------------------------------------

    async def OpenClaim(self, request: pb.OpenClaimRequest, context: Any) -> pb.OpenClaimResponse:
        """Open a claim of the caller."""
        by = await self._caller(context)
        id = await _id(request.id, context)
        kind = _KINDS.get(request.kind)
        if kind is None:
            text = "a claim is of portability or of ownership"
            await _refuse_form(context, "kind", "claim.kind", text)
        async with _telling(context):
            claim = await self._registrar.open_claim(
                by, id, kind, request.alias.kind, request.alias.value
            )
        return pb.OpenClaimResponse(claim=_told(claim))

    async def ConfirmClaim(
        self, request: pb.ConfirmClaimRequest, context: Any
    ) -> pb.ConfirmClaimResponse:
        """Take the donor's yes."""
        by = await self._caller(context)
        id = await _id(request.id, context)
        async with _telling(context):
            claim = await self._registrar.confirm_claim(by, id)
        return pb.ConfirmClaimResponse(claim=_told(claim))

    async def CompleteClaim(
        self, request: pb.CompleteClaimRequest, context: Any
    ) -> pb.CompleteClaimResponse:
        """Move the alias of a claim to an account of the caller."""
        by = await self._caller(context)
        id = await _id(request.id, context)
        async with _telling(context):
            claim = await self._registrar.complete_claim(by, id, request.iban, request.name)
        return pb.CompleteClaimResponse(claim=_told(claim))

    async def CancelClaim(
        self, request: pb.CancelClaimRequest, context: Any
    ) -> pb.CancelClaimResponse:
        """Take either side's no."""
        by = await self._caller(context)
        id = await _id(request.id, context)
        if len(request.reason) > REASON_LENGTH_MAX or not is_text(request.reason):
            text = f"at most {REASON_LENGTH_MAX} printable characters"
            await _refuse_form(context, "reason", "claim.reason", text)
        async with _telling(context):
            claim = await self._registrar.cancel_claim(by, id, request.reason)
        return pb.CancelClaimResponse(claim=_told(claim))

    async def ListClaims(
        self, request: pb.ListClaimsRequest, context: Any
    ) -> pb.ListClaimsResponse:
        """List the claims that the caller is party to."""
        by = await self._caller(context)
        size = request.page_size or CLAIMS_PER_PAGE
        if size > ALIASES_MAX:
            await _refuse_form(context, "page_size", "page.size", f"at most {ALIASES_MAX}")
        try:
            before = UUID(request.page) if request.page else None
        except ValueError:
            await _refuse_form(context, "page", "page.form", "the `next_page` of the page before")
        claims = await self._registrar.claims(by, ended=request.ended, before=before, limit=size)
        now = EPOCH + timedelta(microseconds=self._clock() // 1_000)
        return pb.ListClaimsResponse(
            claims=[_told(claim) for claim in claims if request.ended or claim.is_open(now)],
            next_page=str(UUID(int=claims[-1].id)) if len(claims) == size else "",
        )

    # --- the set hash ------------------------------------------------------------------------

    async def GetNodes(self, request: pb.GetNodesRequest, context: Any) -> pb.GetNodesResponse:
        """Tell nodes of the set hash."""
        asker = await self._caller(context)
        await _bound(context, "indexes", request.indexes)
        if request.level > LEVEL_MAX:
            await _refuse_form(context, "level", "node.level", f"at most {LEVEL_MAX}")
        if any(index >> request.level for index in request.indexes):
            await _refuse_form(context, "indexes", "node.index", "below 2**level")
        count, now_ns = len(request.indexes), self._clock()
        async with _telling(context):
            self._directory.require_tokens(asker, count, now_ns)
        self._directory.spend(asker, hits=count, misses=0, now_ns=now_ns)
        nodes = self._directory.table.tree.nodes(request.level, request.indexes)
        return pb.GetNodesResponse(nodes=[pb.Node(count=count, sum=sum) for count, sum in nodes])

    async def CompareLeaf(
        self, request: pb.CompareLeafRequest, context: Any
    ) -> pb.CompareLeafResponse:
        """Tell how a leaf differs from the caller's."""
        asker = await self._caller(context)
        if request.index >> LEVEL_MAX:
            await _refuse_form(context, "index", "node.index", f"below {1 << LEVEL_MAX}")
        if len(request.digests) > LEAF_DIGESTS_MAX or any(
            len(digest) != DIGEST_BYTES for digest in request.digests
        ):
            text = f"at most {LEAF_DIGESTS_MAX} of {DIGEST_BYTES} bytes"
            await _refuse_form(context, "digests", "leaf.digests", text)
        now_ns = self._clock()
        async with _telling(context):
            self._directory.require_tokens(asker, 1, now_ns)
        here = self._directory.table.leaf(request.index)
        theirs = set(request.digests)
        missing = [(key, digest) for key, digest in here if digest not in theirs]
        own = sum(self._directory.registrar_of(key) == asker for key, _ in missing)
        # What nobody asked for by its number is as dear as a number that was tried in vain.
        self._directory.spend(asker, hits=1 + own, misses=len(missing) - own, now_ns=now_ns)
        ours = {digest for _, digest in here}
        return pb.CompareLeafResponse(
            entries=[
                pb.LeafEntry(key=key.to_bytes(ID_BYTES, "big"), digest=digest)
                for key, digest in missing
            ],
            unknown=[place for place, one in enumerate(request.digests) if one not in ours],
        )

    async def _caller(self, context: Any) -> str:
        """Return the participant that calls, or end the call where it isn't onboarded."""
        caller = caller_of(context)
        route = self._registry.routing.by_name.get(caller.name)
        if route is None or route.role != caller.role:
            await refuse(
                context,
                grpc.StatusCode.FAILED_PRECONDITION,
                "participant.unknown",
                f"the {caller.role} {caller.name!r} isn't onboarded on this switch: an operator "
                "does so with `payvand participants put`",
            )
        return route.name


@asynccontextmanager
async def _telling(context: Any) -> AsyncIterator[None]:
    """End the call with the status of what the directory refuses."""
    try:
        yield
    except Throttled as throttled:
        await refuse(
            context,
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "directory.tokens",
            str(throttled),
            retry_after_ms=-(-throttled.wait_ns // 1_000_000),
        )
    except (AliasRefused, ClaimRefused) as refused:
        field = refused.field if isinstance(refused, AliasRefused) else "id"
        await refuse(context, _code(refused.rule), refused.rule, refused.hint, field=field)


def _code(rule: str) -> grpc.StatusCode:
    """Return the status of a call that *rule* refuses."""
    if rule in ("alias.unknown", "claim.unknown"):
        return grpc.StatusCode.NOT_FOUND
    if rule.startswith(("alias.", "claim.", "directory.")):
        return grpc.StatusCode.FAILED_PRECONDITION
    return grpc.StatusCode.INVALID_ARGUMENT


async def _bound(context: Any, field: str, items: Sequence[Any]) -> None:
    if len(items) > ALIASES_MAX:
        text = f"{len(items):,} are more than {ALIASES_MAX:,}: send them in several requests"
        await _refuse_form(context, field, "batch.size", text)


async def _id(id: bytes, context: Any) -> int:
    if len(id) != ID_BYTES or not any(id):
        await _refuse_form(context, "id", "id.form", "16 bytes, not all zero")
    return int.from_bytes(id, "big")


async def _refuse_form(context: Any, field: str, rule: str, text: str) -> NoReturn:
    await refuse(context, grpc.StatusCode.INVALID_ARGUMENT, rule, text, field=field)


def _refusals(refused: Mapping[int, AliasRefused]) -> Iterable[Refusal]:
    return [_refusal(place, refused[place]) for place in sorted(refused)]


def _refusal(place: int, refused: AliasRefused) -> Refusal:
    return Refusal(index=place, field=refused.field, rule=refused.rule, hint=refused.hint)


def _told(claim: Claim) -> pb.Claim:
    kind, value = alias_number(claim.key)
    return pb.Claim(
        id=claim.id.to_bytes(ID_BYTES, "big"),
        kind=_KIND_NUMBERS[claim.kind],
        alias=pb.Alias(kind=pb.AliasKind.Name(kind), value=value),
        donor=claim.donor,
        claimant=claim.claimant,
        state=_STATE_NUMBERS[claim.settled_state],
        opened_at=_ns(claim.opened_at),
        answer_by=_ns(claim.answer_by),
        complete_by=_ns(claim.complete_by),
        reason=claim.reason,
    )


def _ns(moment: datetime | None) -> int:
    return 0 if moment is None else (moment - EPOCH) // timedelta(microseconds=1) * 1_000
