"""Devices that charge, from both sides: what a device signs, and the agency that brings it."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import grpc.aio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from payvand.client.connection import Connection
from payvand.v1.fee_device_service_pb2 import (
    BringChargesRequest,
    BringChargesResponse,
    ChargeBatch,
    ChargeResult,
    DeviceCharge,
    EnrolDevicesRequest,
    EnrolDevicesResponse,
    FeeDevice,
    ListDevicesRequest,
    ListDevicesResponse,
    RevokeDeviceRequest,
    RevokeDeviceResponse,
    SignedCharges,
)
from payvand.v1.fee_device_service_pb2_grpc import FeeDeviceServiceStub

__all__ = ["Devices", "sign_charges"]

DOMAIN: Final = b"payvand.charges\n"
"""Stands before the signed bytes, so that no other signature of the key passes for one."""


def sign_charges(
    key: Ed25519PrivateKey, agency: str, device: str, charges: Iterable[DeviceCharge]
) -> SignedCharges:
    """Return up to 1,000 *charges* as the *device* of an *agency* signs them by its *key*.

    Keep what it returns and bring it as often as it takes: each charge takes effect once.
    """
    batch = ChargeBatch(agency=agency, device=device, charges=charges).SerializeToString()
    return SignedCharges(batch=batch, signature=key.sign(DOMAIN + batch))


class Devices(Connection):
    """An agency's connection for its devices; every method raises `ClientFault` without answer."""

    def __init__(self, address: str, channel: grpc.aio.Channel, patience_s: float) -> None:
        """Take over *channel*, which leads to *address*."""
        super().__init__(address, channel, patience_s)
        self._devices: Any = FeeDeviceServiceStub(channel)

    async def enrol(self, devices: Sequence[FeeDevice]) -> list[FeeDevice]:
        """Enrol up to 1,000 devices by name, key and service; again changes nothing."""
        reply: EnrolDevicesResponse = await self._call(
            self._devices.EnrolDevices, EnrolDevicesRequest(devices=devices)
        )
        return list(reply.devices)

    async def revoke(self, name: str, *, reason: str) -> FeeDevice:
        """Believe a device no more."""
        reply: RevokeDeviceResponse = await self._call(
            self._devices.RevokeDevice, RevokeDeviceRequest(name=name, reason=reason)
        )
        return reply.device

    async def devices(self, agency: str = "", *, after: str = "") -> list[FeeDevice]:
        """Return up to 1,000 devices of an agency, by name behind *after*."""
        reply: ListDevicesResponse = await self._call(
            self._devices.ListDevices, ListDevicesRequest(agency=agency, after=after)
        )
        return list(reply.devices)

    async def bring(self, batches: Sequence[SignedCharges]) -> list[ChargeResult]:
        """Bring batches of at most 8,190 charges together; return a result for each charge."""
        reply: BringChargesResponse = await self._call(
            self._devices.BringCharges, BringChargesRequest(batches=batches)
        )
        return list(reply.results)
