"""QuoteService: what payments would cost, before anybody sends them."""

from typing import Any, Final

import grpc

from payvand.switch.identifiers import iban
from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.participants import Registry
from payvand.switch.refusing import refuse
from payvand.switch.routing import Route, Routing
from payvand.switch.rules.tariffs import CREDITOR, DEBTOR
from payvand.v1 import quote_service_pb2 as pb

__all__ = ["QuoteServicer"]

PAYMENTS_MAX: Final = 1_000


class QuoteServicer:
    """Serve `payvand.v1.QuoteService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["QuoteService"]

    def __init__(self, registry: Registry) -> None:
        """Quote by the tariffs that *registry*'s routing holds."""
        self._registry = registry

    async def Quote(self, request: pb.QuoteRequest, context: Any) -> pb.QuoteResponse:
        """Tell what payments would cost if they came in now."""
        if len(request.payments) > PAYMENTS_MAX:
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "batch.size",
                f"{len(request.payments):,} are more than {PAYMENTS_MAX:,}: ask several times",
                field="payments",
            )
        routing = self._registry.routing
        return pb.QuoteResponse(quotes=[_quote(routing, one) for one in request.payments])


def _quote(routing: Routing, payment: pb.QuotedPayment) -> pb.Quote:
    try:
        debtor = _route(routing, payment.debtor_iban)
        creditor = _route(routing, payment.creditor_iban)
    except IdentifierError as refusal:
        return pb.Quote(rule=refusal.rule)
    sides = {DEBTOR: debtor.name, CREDITOR: creditor.name}
    charges = []
    found = routing.charges.quote(payment.kind, payment.amount) if routing.charges else []
    for tariff, fee in found:
        payer = sides[tariff.payer]
        receiver = sides.get(tariff.receiver, tariff.receiver)
        if payer != receiver:
            charges.append(
                pb.Charge(
                    tariff=tariff.name,
                    kind=tariff.charge,
                    payer=payer,
                    receiver=receiver,
                    amount=fee,
                )
            )
    return pb.Quote(charges=charges)


def _route(routing: Routing, account: str) -> Route:
    """Return where an account leads; raises `IdentifierError` where it doesn't."""
    iban.parse(account)
    route = routing.route(account)
    if route is None:
        raise routing.refusal(account)
    return route
