"""FeeEventService: what happens to an agency's bills, as a stream and to a webhook."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import grpc

from payvand.core.engine import Engine
from payvand.settlement.database import Pool
from payvand.switch.fees.bills.accounts import ACT_CODE
from payvand.switch.fees.bills.number import bill_number
from payvand.switch.fees.events.reading import Event, follow_events
from payvand.switch.fees.events.webhooks import Webhook, Webhooks
from payvand.switch.participants import Registry, route_of
from payvand.switch.refusing import refuse
from payvand.switch.services.bills import CHANGE_NUMBERS
from payvand.switch.services.fee_refusals import refusals_told
from payvand.v1 import fee_event_service_pb2 as pb

__all__ = ["FeeEventServicer"]


class FeeEventServicer:
    """Serve `payvand.v1.FeeEventService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["FeeEventService"]

    def __init__(
        self,
        engine: Engine,
        pool: Pool,
        registry: Registry,
        webhooks: Webhooks,
        clock: Callable[[], int],
    ) -> None:
        """Serve from *engine*'s journal; notices are in *pool*."""
        self._engine = engine
        self._pool = pool
        self._registry = registry
        self._webhooks = webhooks
        self._clock = clock

    async def FollowBills(
        self, request: pb.FollowBillsRequest, context: Any
    ) -> AsyncIterator[pb.FollowBillsResponse]:
        """Send what happens to the caller's bills."""
        agency = await route_of(context, self._registry)
        if request.cursor > self._engine.sequence:
            await refuse(
                context,
                grpc.StatusCode.OUT_OF_RANGE,
                "cursor.ahead",
                f"cursor {request.cursor} is ahead of the journal, which is at "
                f"{self._engine.sequence}: it isn't one that this switch gave out",
                field="cursor",
            )
        following = follow_events(self._engine, self._pool, agency.number, request.cursor)
        async for cursor, events in following:
            yield pb.FollowBillsResponse(cursor=cursor, events=map(_told, events))

    async def PutWebhook(
        self, request: pb.PutWebhookRequest, context: Any
    ) -> pb.PutWebhookResponse:
        """Send the caller's events to a URL."""
        agency = await route_of(context, self._registry)
        async with refusals_told(context):
            webhook = await self._webhooks.put(agency.number, request.url)
        return pb.PutWebhookResponse(webhook=self._webhook_told(webhook))

    async def GetWebhook(self, _: pb.GetWebhookRequest, context: Any) -> pb.GetWebhookResponse:
        """Tell how the caller's webhook stands."""
        agency = await route_of(context, self._registry)
        webhook = await self._webhooks.get(agency.number)
        return pb.GetWebhookResponse(
            webhook=None if webhook is None else self._webhook_told(webhook)
        )

    async def RemoveWebhook(
        self, _: pb.RemoveWebhookRequest, context: Any
    ) -> pb.RemoveWebhookResponse:
        """Send the caller no more events."""
        agency = await route_of(context, self._registry)
        await self._webhooks.remove(agency.number)
        return pb.RemoveWebhookResponse()

    def _webhook_told(self, webhook: Webhook) -> pb.Webhook:
        return pb.Webhook(
            url=webhook.url,
            cursor=webhook.cursor,
            failures=webhook.failures,
            last_error=webhook.last_error,
            next_try_at=webhook.next_try_at,
            given_up=webhook.is_given_up(self._clock()),
            public_key=self._webhooks.public_key,
        )


def _told(event: Event) -> pb.BillEvent:
    told = pb.BillEvent(number=bill_number(event.key), act=event.act, at=event.at)
    if event.what is not None:
        told.changed = CHANGE_NUMBERS[event.what]
    elif event.code == ACT_CODE:
        told.paid = event.amount
    else:
        told.refunded = event.amount
    return told
