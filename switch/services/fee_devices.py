"""FeeDeviceService: devices are enrolled, and bring what they charge."""

from collections.abc import Callable
from typing import Any, Final, NoReturn

import grpc

from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.settlement.database import Pool
from payvand.switch.fees.bills.bill import BillRefused
from payvand.switch.fees.catalogue.catalogue_in_force import CatalogueInForce
from payvand.switch.fees.devices import register
from payvand.switch.fees.devices.register import DEVICES_MAX, Device
from payvand.switch.fees.devices.signing import CHARGES_MAX, opened
from payvand.switch.fees.devices.taking import Taking
from payvand.switch.identity import caller_of
from payvand.switch.participants import Registry, route_of
from payvand.switch.refusing import refuse
from payvand.switch.routing import Route
from payvand.v1 import fee_device_service_pb2 as pb

__all__ = ["FeeDeviceServicer"]


class FeeDeviceServicer:
    """Serve `payvand.v1.FeeDeviceService`; the contract says what each method promises."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["FeeDeviceService"]

    def __init__(
        self,
        *,
        registry: Registry,
        pool: Pool,
        catalogue: CatalogueInForce,
        taking: Taking,
        clock: Callable[[], int],
    ) -> None:
        """Keep devices in the database of *pool*; *clock* tells nanoseconds since 1970."""
        self._registry = registry
        self._pool = pool
        self._catalogue = catalogue
        self._taking = taking
        self._clock = clock

    async def EnrolDevices(
        self, request: pb.EnrolDevicesRequest, context: Any
    ) -> pb.EnrolDevicesResponse:
        """Enrol devices of the caller's agency."""
        agency = await route_of(context, self._registry)
        devices = [Device(one.name, one.public_key, one.service) for one in request.devices]
        try:
            self._check_services(agency, devices)
            async with self._pool.acquire() as connection:
                enrolled = await register.enrol(
                    connection,
                    agency.number,
                    devices,
                    operator=caller_of(context).name,
                    now=self._clock(),
                )
        except BillRefused as refused:
            await _refuse(context, refused)
        return pb.EnrolDevicesResponse(devices=map(_told, enrolled))

    async def RevokeDevice(
        self, request: pb.RevokeDeviceRequest, context: Any
    ) -> pb.RevokeDeviceResponse:
        """Believe a device of the caller's agency no more."""
        agency = await route_of(context, self._registry)
        try:
            async with self._pool.acquire() as connection:
                device = await register.revoke(
                    connection,
                    agency.number,
                    request.name,
                    operator=caller_of(context).name,
                    reason=request.reason,
                    now=self._clock(),
                )
        except BillRefused as refused:
            await _refuse(context, refused)
        return pb.RevokeDeviceResponse(device=_told(device))

    async def ListDevices(
        self, request: pb.ListDevicesRequest, context: Any
    ) -> pb.ListDevicesResponse:
        """List the devices of an agency."""
        name = caller_of(context).agency or request.agency
        route = self._registry.routing.by_name.get(name)
        if route is None or (request.agency and request.agency != name):
            hint = "name an agency; people of an agency see their own devices alone"
            await _refuse(context, BillRefused("agency", "agency.unknown", hint))
        async with self._pool.acquire() as connection:
            found = await register.read_page(connection, route.number, request.after)
        return pb.ListDevicesResponse(devices=map(_told, found))

    async def BringCharges(
        self, request: pb.BringChargesRequest, context: Any
    ) -> pb.BringChargesResponse:
        """Take in what devices of the caller's agency charge."""
        agency = await route_of(context, self._registry)
        if sum(map(_count, request.batches)) > BATCH_EVENTS_MAX:
            hint = f"at most {BATCH_EVENTS_MAX:,} charges a call"
            await _refuse(context, BillRefused("batches", "batch.size", hint))
        return pb.BringChargesResponse(results=await self._taking.take(agency, request.batches))

    def _check_services(self, agency: Route, devices: list[Device]) -> None:
        if not 0 < len(devices) <= DEVICES_MAX:
            raise BillRefused("devices", "devices.count", f"1 to {DEVICES_MAX} devices")
        schedule = self._catalogue.catalogue.schedule(agency.name)
        services = schedule.services if schedule is not None else {}
        for place, device in enumerate(devices):
            if device.service not in services:
                hint = f"one of {', '.join(services) or 'none: no schedule is in force'}"
                raise BillRefused(f"devices[{place}].service", "service.unknown", hint)


def _count(signed: pb.SignedCharges) -> int:
    """Return how many charges a batch counts as; one that can't be read is a single result."""
    try:
        return min(len(opened(signed).charges), CHARGES_MAX)
    except BillRefused:
        return 1


def _told(device: Device) -> pb.FeeDevice:
    return pb.FeeDevice(
        name=device.name,
        public_key=device.public_key,
        service=device.service,
        enrolled_by=device.enrolled_by,
        enrolled_at=device.enrolled_at,
        revoked_at=device.revoked_at,
        counter_max=device.counter_max,
        charges=device.charges,
        missing=[pb.CounterRange(first=first, last=last) for first, last in device.missing],
    )


async def _refuse(context: Any, refused: BillRefused) -> NoReturn:
    code = grpc.StatusCode.INVALID_ARGUMENT
    await refuse(context, code, refused.rule, refused.hint, field=refused.field)
