"""Taking in what devices charge: each charge takes effect once, whatever comes again.

    batch ─► signed by an enrolled device? ─► claim the counters ─► issue bills ─► results

A counter is claimed, with a digest of its charge, before its bill is issued; the bill's number
follows from agency, device and counter. So a crash in between leaves a claim without a bill, which
the next submission of the same charge issues; and whoever comes twice, late or at the same time
finds the claim or the bill. Another charge under a counter that is claimed takes no effect.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final
from uuid import UUID

from payvand.settlement.database import Executor, Pool
from payvand.switch.fees.assessment.assessing import assess
from payvand.switch.fees.assessment.lines import AssessmentError, LineKind
from payvand.switch.fees.bills.bill import BillRefused
from payvand.switch.fees.bills.issuing import Issuing, day_of
from payvand.switch.fees.bills.number import bill_key, bill_number
from payvand.switch.fees.catalogue.catalogue_in_force import CatalogueInForce
from payvand.switch.fees.catalogue.schedule import Schedule
from payvand.switch.fees.devices.register import Device, find
from payvand.switch.fees.devices.signing import is_signed, opened
from payvand.switch.routing import Route
from payvand.v1.bill_pb2 import BillLine, BillLineKind, NewBill
from payvand.v1.fee_device_service_pb2 import (
    ChargeResult,
    ChargeState,
    DeviceCharge,
    SignedCharges,
)

__all__ = ["Taking"]

COUNTER_MAX: Final = (1 << 63) - 2
SKEW_NS: Final = 300 * 1_000_000_000
"""As far a device's clock may be ahead."""

_TAKEN: Final = ChargeState.CHARGE_STATE_TAKEN
_REPEATED: Final = ChargeState.CHARGE_STATE_REPEATED
_REFUSED: Final = ChargeState.CHARGE_STATE_REFUSED
_LINE_KINDS: Final = {
    LineKind.FEE: BillLineKind.BILL_LINE_KIND_FEE,
    LineKind.VALUE_ADDED_TAX: BillLineKind.BILL_LINE_KIND_VALUE_ADDED_TAX,
}


@dataclass(slots=True)
class _Claim:
    """A charge that is to take effect."""

    result: ChargeResult
    bill: NewBill
    key: int
    digest: UUID


class Taking:
    """Take in what devices charge. One for each process."""

    def __init__(
        self,
        pool: Pool,
        issuing: Issuing,
        catalogue: CatalogueInForce,
        clock: Callable[[], int],
    ) -> None:
        """Issue bills by *issuing*; *clock* tells nanoseconds since 1970."""
        self._pool = pool
        self._issuing = issuing
        self._catalogue = catalogue
        self._clock = clock

    async def take(self, agency: Route, batches: Sequence[SignedCharges]) -> list[ChargeResult]:
        """Take in batches that *agency* brings, and return a result for each charge."""
        results: list[ChargeResult] = []
        for signed in batches:
            try:
                results += await self._take_batch(agency, signed)
            except BillRefused as refused:
                results.append(_refused(ChargeResult(), refused))
        return results

    async def _take_batch(self, agency: Route, signed: SignedCharges) -> list[ChargeResult]:
        batch = opened(signed)
        if batch.agency != agency.name:
            hint = f"it is of {batch.agency}: that agency brings it"
            raise BillRefused("batch.agency", "charges.agency", hint)
        schedule = self._catalogue.catalogue.schedule(agency.name)
        if schedule is None:
            hint = f"no fee schedule of {agency.name} is in force"
            raise BillRefused("batch", "schedule.missing", hint)
        async with self._pool.acquire() as connection:
            device = await find(connection, agency.number, batch.device)
            _check_device(device, batch.device, signed)
            assert device is not None
            results, claims = [], []
            for place, charge in enumerate(batch.charges):
                result = ChargeResult(device=device.name, counter=charge.counter)
                results.append(result)
                try:
                    path = f"batch.charges[{place}]"
                    claims.append(self._claim(agency, device, schedule, charge, result, path))
                except BillRefused as refused:
                    _refused(result, refused)
            fresh = await _claimed(connection, agency.number, device.name, claims)
        await self._issue(agency, fresh)
        return results

    def _claim(
        self,
        agency: Route,
        device: Device,
        schedule: Schedule,
        charge: DeviceCharge,
        result: ChargeResult,
        path: str,
    ) -> _Claim:
        if not 0 < charge.counter <= COUNTER_MAX:
            raise BillRefused(f"{path}.counter", "charge.counter", "a device counts from 1")
        if not 0 < charge.at <= self._clock() + SKEW_NS:
            hint = "it lies in the future: set the device's clock"
            raise BillRefused(f"{path}.at", "charge.at", hint)
        facts: dict[str, int | str] = {
            fact.code: fact.number if fact.WhichOneof("value") == "number" else fact.choice
            for fact in charge.facts
        }
        try:
            owed = assess(schedule, device.service, facts, day=day_of(charge.at))
        except AssessmentError as error:
            raise BillRefused(f"{path}.{error.field}", error.rule, error.hint) from error
        reference = f"{device.name}/{charge.counter}"
        content = charge.SerializeToString(deterministic=True)
        return _Claim(
            result,
            NewBill(
                reference=reference,
                service=device.service,
                payer_id=charge.payer_id,
                subject=charge.subject,
                facts=json.dumps(facts, sort_keys=True) if facts else "",
                lines=[
                    BillLine(
                        fee=line.fee,
                        kind=_LINE_KINDS[line.kind],
                        amount=line.amount,
                        share_tree=line.share_tree,
                    )
                    for line in owed.lines
                    if line.amount
                ],
            ),
            bill_key(agency.number, reference),
            UUID(bytes=blake2b(content, digest_size=16, person=b"payvand.charge").digest()),
        )

    async def _issue(self, agency: Route, claims: Sequence[_Claim]) -> None:
        if not claims:
            return
        _, refusals = await self._issuing.issue(agency, [claim.bill for claim in claims])
        for claim in claims:
            claim.result.state = _TAKEN
            claim.result.bill = bill_number(claim.key)
        for refusal in refusals:
            result = claims[refusal.index].result
            result.bill = ""
            _refused(result, BillRefused(refusal.field, refusal.rule, refusal.hint))


def _check_device(device: Device | None, name: str, signed: SignedCharges) -> None:
    if device is None:
        hint = f"the agency has no device {name!r}: enrol it first"
        raise BillRefused("batch.device", "device.unknown", hint)
    if not is_signed(signed, device.public_key):
        hint = f"the key of {name} did not sign these bytes"
        raise BillRefused("signature", "charges.signature", hint)
    if device.revoked_at:
        hint = f"{name} was revoked, and what it signs is believed no more"
        raise BillRefused("batch.device", "device.revoked", hint)


async def _claimed(
    connection: Executor, agency: int, device: str, claims: Sequence[_Claim]
) -> list[_Claim]:
    """Claim counters, and return the charges whose bill is still to be issued."""
    if not claims:
        return []
    counters = [claim.result.counter for claim in claims]
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO fees.charge (agency, device, counter, digest, bill) "
            "SELECT $1, $2, * FROM unnest($3::bigint[], $4::uuid[], $5::uuid[]) "
            "ON CONFLICT DO NOTHING",
            *(agency, device, counters, [claim.digest for claim in claims]),
            [UUID(int=claim.key) for claim in claims],
        )
        await connection.execute(
            "UPDATE fees.device SET seen = seen + (SELECT range_agg(int8range(c, c + 1)) "
            "FROM unnest($3::bigint[]) AS c) WHERE agency = $1 AND name = $2",
            *(agency, device, counters),
        )
    rows = await connection.fetch(
        "SELECT counter, digest, EXISTS (SELECT FROM fees.bill WHERE key = bill) AS has_bill "
        "FROM fees.charge WHERE agency = $1 AND device = $2 AND counter = ANY($3)",
        *(agency, device, counters),
    )
    known = {row["counter"]: (row["digest"], row["has_bill"]) for row in rows}
    fresh: dict[int, _Claim] = {}
    for claim in claims:
        counter = claim.result.counter
        digest, has_bill = known[counter]
        if digest != claim.digest:
            hint = "another charge has this counter: a device never gives one twice"
            _refused(claim.result, BillRefused("counter", "charge.counter_reused", hint))
        elif has_bill or counter in fresh:
            claim.result.state = _REPEATED
            claim.result.bill = bill_number(claim.key)
        else:
            fresh[counter] = claim
    return list(fresh.values())


def _refused(result: ChargeResult, refused: BillRefused) -> ChargeResult:
    result.state = _REFUSED
    result.field, result.rule, result.hint = refused.field, refused.rule, refused.hint
    return result
