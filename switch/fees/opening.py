"""The parts of fee collection that one switch has, put together."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from payvand.core.engine import Engine
from payvand.settlement.database import Pool
from payvand.switch.approvals.act_journal import ActJournal
from payvand.switch.approvals.approvals import Approvals
from payvand.switch.fees.bills.amending import Amending
from payvand.switch.fees.bills.inquiry import Inquiry
from payvand.switch.fees.bills.issuing import Issuing
from payvand.switch.fees.bills.tariff import Tariff, TariffOf
from payvand.switch.fees.catalogue.catalogue_in_force import CatalogueInForce
from payvand.switch.fees.devices.taking import Taking
from payvand.switch.fees.events.webhooks import Webhooks
from payvand.switch.fees.paying.paying import Paying
from payvand.switch.fees.receipts.issuing import Receipts
from payvand.switch.fees.refunding.refund_book import RefundBook
from payvand.switch.fees.refunding.refunding import Refunding
from payvand.switch.fees.treasury.sweeping import Sweeping
from payvand.switch.metrics import Metrics
from payvand.switch.participants import Registry
from payvand.switch.services.bills import BillServicer
from payvand.switch.services.fee_devices import FeeDeviceServicer
from payvand.switch.services.fee_events import FeeEventServicer
from payvand.switch.services.fee_payments import FeePaymentServicer
from payvand.switch.services.receipts import ReceiptServicer
from payvand.switch.services.refunds import RefundServicer
from payvand.switch.services.treasury import TreasuryServicer
from payvand.switch.translate import ReasonBook

__all__ = ["FeeCollection"]


class FeeCollection:
    """Bills, their payment and what goes back. One for each process.

    Made before the acts of the journal are loaded: it follows them.
    """

    def __init__(
        self,
        engine: Engine,
        pool: Pool,
        acts: ActJournal,
        *,
        clock: Callable[[], int],
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        """Stand on *engine* and *pool*; *catch_up* waits until these are equally far."""
        self._engine = engine
        self._pool = pool
        self._clock = clock
        self._catch_up = catch_up
        self._inquiry = Inquiry(pool, engine)
        self._book = RefundBook()
        acts.watch(self._book.watch)
        self.refunding = Refunding(
            engine=engine, pool=pool, inquiry=self._inquiry, catch_up=catch_up
        )
        """A kind of proposals."""
        self.approvals: Approvals

    def servicers(
        self,
        *,
        registry: Registry,
        approvals: Approvals,
        tariff_of: TariffOf,
        catalogue: CatalogueInForce,
        key: Ed25519PrivateKey,
        journal: Path,
        reasons: ReasonBook,
        metrics: Metrics,
    ) -> tuple[Any, ...]:
        """Return what serves it all."""
        self.approvals = approvals

        async def terms_of(agency: str, version: int) -> Tariff | None:
            with suppress(KeyError):
                return Tariff(await catalogue.schedule_numbered(version))
            return tariff_of(agency)

        self._paying = paying = Paying(
            engine=self._engine,
            inquiry=self._inquiry,
            registry=registry,
            tariff_of=tariff_of,
            terms_of=terms_of,
            reasons=reasons,
            clock=self._clock,
        )
        self._issuing = issuing = Issuing(self._pool, tariff_of, self._clock)
        bills = BillServicer(
            registry,
            issuing,
            self._inquiry,
            Amending(self._engine, self._pool, self._inquiry, self._clock),
            approvals,
            self._engine,
            terms_of,
            self._clock,
            paying.is_under_way,
        )
        self.webhooks = Webhooks(self._engine, self._pool, key, clock=self._clock)
        self.receipts = Receipts(
            pool=self._pool,
            inquiry=self._inquiry,
            registry=registry,
            key=key,
            journal=journal,
            schedule_of=catalogue.schedule_numbered,
            catch_up=self._catch_up,
        )
        return (
            bills,
            FeePaymentServicer(registry, paying, metrics),
            RefundServicer(registry, approvals, self._book),
            FeeDeviceServicer(
                registry=registry,
                pool=self._pool,
                catalogue=catalogue,
                taking=Taking(self._pool, issuing, catalogue, self._clock),
                clock=self._clock,
            ),
            ReceiptServicer(registry, self.receipts),
            TreasuryServicer(
                Sweeping(
                    self._engine,
                    self._pool,
                    registry,
                    clock=self._clock,
                    catch_up=self._catch_up,
                )
            ),
            FeeEventServicer(self._engine, self._pool, registry, self.webhooks, self._clock),
        )
