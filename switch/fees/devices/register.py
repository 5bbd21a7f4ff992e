"""The register of devices: who may charge, by which key, and which of its charges came in."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from payvand.settlement.database import Executor, record_audit
from payvand.switch.fees.bills.bill import BillRefused

__all__ = ["DEVICES_MAX", "Device", "enrol", "find", "read_page", "revoke"]

NAME_FORM: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
KEY_BYTES: Final = 32
REASON_LENGTH_MAX: Final = 400
DEVICES_MAX: Final = 1_000
"""Of one call and of one page."""

_READ: Final = """
SELECT name, public_key, service, enrolled_by, enrolled_at, revoked_at,
    coalesce(upper(seen) - 1, 0) AS counter_max,
    (SELECT coalesce(sum(upper(one) - lower(one)), 0) FROM unnest(seen) AS one) AS charges,
    ARRAY(
        SELECT ARRAY[lower(gap), upper(gap) - 1]
        FROM unnest(int8multirange(int8range(1, coalesce(upper(seen), 1))) - seen) AS gap
        WHERE NOT isempty(gap) ORDER BY lower(gap) LIMIT 100
    ) AS missing
FROM fees.device
"""


@dataclass(frozen=True, slots=True)
class Device:
    """A device of an agency."""

    name: str
    public_key: bytes
    """Ed25519, 32 bytes."""
    service: str
    enrolled_by: str = ""
    enrolled_at: int = 0
    """Nanoseconds since 1970."""
    revoked_at: int = 0
    """0 where it is believed."""
    counter_max: int = 0
    charges: int = 0
    """How many came in."""
    missing: tuple[tuple[int, int], ...] = ()
    """First and last of counters that never came in, the lowest first, at most 100."""


async def enrol(
    connection: Executor, agency: int, devices: Sequence[Device], *, operator: str, now: int
) -> list[Device]:
    """Enrol devices, in one transaction; one that is there with the same content stays.

    Raises `BillRefused` where a device is wrong, or is there with another key or service.
    """
    for place, device in enumerate(devices):
        _check(f"devices[{place}]", device)
    async with connection.transaction():
        for place, device in enumerate(devices):
            known = await find(connection, agency, device.name)
            if known is None:
                await connection.execute(
                    "INSERT INTO fees.device "
                    "(agency, name, public_key, service, enrolled_by, enrolled_at) "
                    "VALUES ($1, $2, $3, $4, $5, $6)",
                    *(agency, device.name, device.public_key, device.service, operator, now),
                )
                await record_audit(
                    connection, operator=operator, act="device.enrol", subject=device.name
                )
            elif (known.public_key, known.service) != (device.public_key, device.service):
                hint = "it is there with another key or service: enrol it under another name"
                raise BillRefused(f"devices[{place}].name", "device.known", hint)
        found = [await find(connection, agency, device.name) for device in devices]
    return [device for device in found if device is not None]


async def revoke(
    connection: Executor, agency: int, name: str, *, operator: str, reason: str, now: int
) -> Device:
    """Believe a device no more; raises `BillRefused` where there is none of the name."""
    if not 0 < len(reason) <= REASON_LENGTH_MAX:
        hint = f"say why, in 1 to {REASON_LENGTH_MAX} characters"
        raise BillRefused("reason", "device.reason", hint)
    async with connection.transaction():
        done = await connection.execute(
            "UPDATE fees.device SET revoked_at = $3 "
            "WHERE agency = $1 AND name = $2 AND revoked_at IS NULL",
            *(agency, name, now),
        )
        if done.endswith(" 1"):
            await record_audit(
                connection,
                operator=operator,
                act="device.revoke",
                subject=name,
                detail=json.dumps({"reason": reason}),
            )
        device = await find(connection, agency, name)
    if device is None:
        raise BillRefused("name", "device.unknown", f"the agency has no device {name!r}")
    return device


async def find(connection: Executor, agency: int, name: str) -> Device | None:
    """Return a device of an agency, or None."""
    row = await connection.fetchrow(f"{_READ} WHERE agency = $1 AND name = $2", agency, name)
    return _device(row) if row is not None else None


async def read_page(connection: Executor, agency: int, after: str) -> list[Device]:
    """Return up to `DEVICES_MAX` devices of an agency, by name behind *after*."""
    rows = await connection.fetch(
        f"{_READ} WHERE agency = $1 AND name > $2 ORDER BY name LIMIT $3",
        *(agency, after, DEVICES_MAX),
    )
    return [_device(row) for row in rows]


def _check(path: str, device: Device) -> None:
    if NAME_FORM.fullmatch(device.name) is None:
        hint = "1 to 32 small letters, digits and inner hyphens"
        raise BillRefused(f"{path}.name", "device.name", hint)
    if len(device.public_key) != KEY_BYTES:
        raise BillRefused(f"{path}.public_key", "device.key", "an Ed25519 public key, 32 bytes")


def _device(row: Any) -> Device:
    return Device(
        name=row["name"],
        public_key=row["public_key"],
        service=row["service"],
        enrolled_by=row["enrolled_by"],
        enrolled_at=row["enrolled_at"],
        revoked_at=row["revoked_at"] or 0,
        counter_max=row["counter_max"],
        charges=int(row["charges"]),
        missing=tuple((first, last) for first, last in row["missing"]),
    )
