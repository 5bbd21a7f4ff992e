"""SignatureService: payments that their bank has signed, and the proof of it."""

from typing import Any, Final

import grpc

from payvand.core.engine import Engine
from payvand.switch.identity import caller_of
from payvand.switch.participants import Registry, route_of
from payvand.switch.payments import check_rate
from payvand.switch.refusing import refuse
from payvand.switch.signing import Signing
from payvand.switch.standing import find, id_column
from payvand.switch.submitting import Submitter
from payvand.switch.translate import STATE_OF_LEDGER
from payvand.v1 import signature_service_pb2 as pb
from payvand.v1.payment_service_pb2 import SubmitResponse

__all__ = ["SignatureServicer"]


class SignatureServicer:
    """Serve `payvand.v1.SignatureService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["SignatureService"]

    def __init__(
        self, engine: Engine, registry: Registry, submitter: Submitter, signing: Signing
    ) -> None:
        """Submit by *submitter* what *signing* has verified and kept."""
        self._engine = engine
        self._registry = registry
        self._submitter = submitter
        self._signing = signing

    async def SubmitSigned(
        self, request: pb.SubmitSignedRequest, context: Any
    ) -> pb.SubmitSignedResponse:
        """Verify and keep a signed request, then record its payments."""
        debtor = await route_of(context, self._registry)
        check_rate(debtor, self._submitter.rates)
        await self._signing.keep(
            self._registry.book.versions(debtor.name)[-1],
            request=request.request,
            signing_key=request.signing_key,
            signature=request.signature,
        )
        routing = self._registry.routing.signed
        reply = await self._submitter.submit(
            request.request, debtor=routing.by_name[debtor.name], routing=routing
        )
        return pb.SubmitSignedResponse(response=SubmitResponse.FromString(reply))

    async def GetSignedRequest(
        self, request: pb.GetSignedRequestRequest, context: Any
    ) -> pb.GetSignedRequestResponse:
        """Tell of the signed request that a payment came in, and of the payment in the books."""
        caller = caller_of(context)
        kept = await self._signing.find(request.id)
        if kept is None or not caller.speaks_for(kept.participant):
            await refuse(
                context,
                grpc.StatusCode.NOT_FOUND,
                "signature.unknown",
                "no signed request of yours holds a payment with this id",
                field="id",
            )
        ids = id_column([request.id])
        found, _ = await find(self._engine, ids)
        states = await self._engine.states(ids)
        return pb.GetSignedRequestResponse(
            signed=pb.SubmitSignedRequest(
                request=kept.request, signing_key=kept.signing_key, signature=kept.signature
            ),
            participant=kept.participant,
            received_at=kept.received_at,
            state=STATE_OF_LEDGER[int(states["state"][0])],
            amount=int(found["amount"]["lo"][0]) if len(found) else 0,
            content_digest=int(found["user_data_128"]["lo"][0]) if len(found) else 0,
        )
