"""The services of fee collection, over the parts that they share."""

from collections.abc import Callable

from payvand.core.engine import Engine
from payvand.settlement.database import Pool
from payvand.switch.fees.bills.inquiry import Inquiry
from payvand.switch.fees.bills.issuing import Issuing
from payvand.switch.fees.bills.tariff import TariffOf
from payvand.switch.fees.paying.paying import Paying
from payvand.switch.metrics import Metrics
from payvand.switch.participants import Registry
from payvand.switch.services.bills import BillServicer
from payvand.switch.services.fee_payments import FeePaymentServicer
from payvand.switch.translate import ReasonBook

__all__ = ["fee_servicers"]


def fee_servicers(
    *,
    engine: Engine,
    pool: Pool,
    registry: Registry,
    tariff_of: TariffOf,
    reasons: ReasonBook,
    metrics: Metrics,
    clock: Callable[[], int],
) -> tuple[BillServicer, FeePaymentServicer]:
    """Return what serves bills and their payment, on the parts of a switch."""
    inquiry = Inquiry(pool, engine)
    paying = Paying(
        engine=engine,
        inquiry=inquiry,
        registry=registry,
        tariff_of=tariff_of,
        reasons=reasons,
        clock=clock,
    )
    return (
        BillServicer(registry, Issuing(pool, tariff_of, clock), inquiry, paying.is_under_way),
        FeePaymentServicer(registry, paying, metrics),
    )
