"""`payvand fees devices`: toll gates, meters and validators, and what they charge."""

import asyncio
import base64
import json
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from google.protobuf.json_format import ParseDict, ParseError

from payvand.client import Devices, sign_charges
from payvand.switch.cli.display import said, told
from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import moment, print_json, print_table
from payvand.v1.fee_device_service_pb2 import (
    ChargeResult,
    ChargeState,
    DeviceCharge,
    FeeDevice,
    SignedCharges,
)

__all__ = ["devices"]

CALL_BATCHES: Final = 8
"""Batches of one call; each has at most 1,000 charges."""
STATES: Final = {
    value: name.removeprefix("CHARGE_STATE_").lower() for name, value in ChargeState.items()
}
existing_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def devices() -> None:
    """Enrol devices that charge, and bring what they signed.

    \b
    key      makes the key of a device          on the device
    enrol    believes its public key            a clerk of the agency
    sign     signs charges of a JSON file       on the device
    bring    brings signed charges              the agency
    list     shows devices and missing counters
    revoke   believes a device no more          a clerk or an approver
    """


@devices.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def key(file: Path) -> None:
    """Make a device's key: FILE holds the private key, FILE.pub the public one."""
    made = Ed25519PrivateKey.generate()
    private = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(private)
    public = made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    public_file = file.with_name(f"{file.name}.pub")
    public_file.write_bytes(public)
    click.echo(
        said("{file} stays on the device; enrol it by {public}", file=file, public=public_file)
    )


@devices.command()
@click.argument("name")
@click.option("--service", required=True, help="What it charges for: a code of the schedule.")
@click.option("--key", "key_file", type=existing_file, required=True, help="Its public key, PEM.")
@as_json
@door_options(caller="participant")
def enrol(door: Door, name: str, service: str, key_file: Path, as_json: bool) -> None:
    """Enrol the device NAME of your agency."""
    public = _read_key(load_pem_public_key, key_file)
    if not isinstance(public, Ed25519PublicKey):
        raise click.BadParameter("it isn't an Ed25519 public key", param_hint="--key")
    device = FeeDevice(name=name, service=service, public_key=public.public_bytes_raw())
    (enrolled,) = _asked(door, lambda connection: connection.enrol([device]))
    _echo([enrolled], as_json=as_json)


@devices.command("list")
@click.argument("agency", default="")
@as_json
@door_options(caller="anybody")
def list_devices(door: Door, agency: str, as_json: bool) -> None:
    """List the devices of AGENCY, or of your own, with the counters that never came in."""
    _echo(_asked(door, lambda connection: connection.devices(agency)), as_json=as_json)


@devices.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why.")
@as_json
@door_options(caller="participant")
def revoke(door: Door, name: str, reason: str, as_json: bool) -> None:
    """Believe the device NAME no more; what came in of it stays."""
    _echo(
        [_asked(door, lambda connection: connection.revoke(name, reason=reason))], as_json=as_json
    )


@devices.command()
@click.argument("charges", type=existing_file)
@click.option("--agency", required=True, help="The short name of the agency.")
@click.option("--device", required=True, help="The device's name.")
@click.option("--key", "key_file", type=existing_file, required=True, help="Its private key.")
def sign(charges: Path, agency: str, device: str, key_file: Path) -> None:
    """Sign CHARGES, a JSON list of them, and print one line for `bring`.

    \b
    [{"counter": 1, "at": "1767225600000000000",
      "subject": {"kind": "BILL_SUBJECT_KIND_PLATE", "value": "12B34567"},
      "facts": [{"code": "vehicle", "choice": "car"}, {"code": "kilometres", "number": 35}]}]
    """
    private = _read_key(lambda content: load_pem_private_key(content, None), key_file)
    if not isinstance(private, Ed25519PrivateKey):
        raise click.BadParameter("it isn't an Ed25519 private key", param_hint="--key")
    try:
        told = json.loads(charges.read_text(encoding="utf-8"))
        parsed = [ParseDict(one, DeviceCharge()) for one in told]
    except (ValueError, TypeError, ParseError) as error:
        raise click.BadParameter(str(error), param_hint="CHARGES") from error
    signed = sign_charges(private, agency, device, parsed)
    line = {
        "batch": base64.b64encode(signed.batch).decode(),
        "signature": base64.b64encode(signed.signature).decode(),
    }
    click.echo(json.dumps(line))


@devices.command()
@click.argument("files", type=existing_file, nargs=-1, required=True)
@as_json
@door_options(caller="participant")
def bring(door: Door, files: tuple[Path, ...], as_json: bool) -> None:
    """Bring what devices signed: a batch for each line of FILES.

    In any order, and again where it is not sure that it came in: each charge takes effect once.
    The exit code is 1 where a charge was refused.
    """
    batches = [batch for file in files for batch in _batches(file)]

    async def run(connection: Devices) -> list[ChargeResult]:
        results: list[ChargeResult] = []
        for place in range(0, len(batches), CALL_BATCHES):
            results += await connection.bring(batches[place : place + CALL_BATCHES])
        return results

    results = _asked(door, run)
    counts = Counter(STATES[result.state] for result in results)
    if as_json:
        print_json({"counts": dict(counts), "results": [_result_json(one) for one in results]})
    else:
        for result in results:
            if result.state == ChargeState.CHARGE_STATE_REFUSED:
                whose = f"{result.device} {result.counter}" if result.counter else result.device
                click.echo(f"{whose}: {result.field}: {result.rule}: {told(result.hint)}")
        click.echo(
            said(
                "{taken} charges taken, {repeated} brought before, {refused} refused",
                **{state: f"{counts[state]:,}" for state in ("taken", "repeated", "refused")},
            )
        )
    if counts["refused"]:
        raise click.exceptions.Exit(ANSWER_IS_NO)


def _batches(file: Path) -> Iterator[SignedCharges]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield ParseDict(json.loads(line), SignedCharges())
            except (ValueError, ParseError) as error:
                raise click.BadParameter(f"{file}:{number}: {error}", param_hint="FILES") from error


def _read_key(load: Callable[[bytes], Any], file: Path) -> Any:
    try:
        return load(file.read_bytes())
    except (ValueError, TypeError) as error:
        raise click.BadParameter(f"{file} holds no key: {error}", param_hint="--key") from error


def _asked(door: Door, ask: Callable[[Devices], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with door.devices() as connection:
            return await ask(connection)

    return asyncio.run(run())


def _missing_text(device: FeeDevice) -> str:
    return ", ".join(
        str(one.first) if one.first == one.last else f"{one.first}-{one.last}"
        for one in device.missing
    )


def _echo(found: list[FeeDevice], *, as_json: bool) -> None:
    if as_json:
        print_json({"devices": [_device_json(one) for one in found]})
        return
    print_table(
        ("device", "service", "state", "enrolled", "by", "missing", "charges", "counter"),
        [
            (
                one.name,
                one.service,
                said("revoked") if one.revoked_at else said("believed"),
                moment(one.enrolled_at),
                one.enrolled_by,
                _missing_text(one),
                f"{one.charges:,}",
                f"{one.counter_max:,}",
            )
            for one in found
        ],
        numbers=6,
    )


def _device_json(device: FeeDevice) -> dict[str, Any]:
    return {
        "name": device.name,
        "public_key": device.public_key.hex(),
        "service": device.service,
        "enrolled_by": device.enrolled_by,
        "enrolled_at": device.enrolled_at,
        "revoked_at": device.revoked_at or None,
        "counter_max": device.counter_max,
        "charges": device.charges,
        "missing": [{"first": one.first, "last": one.last} for one in device.missing],
    }


def _result_json(result: ChargeResult) -> dict[str, Any]:
    return {
        "device": result.device or None,
        "counter": result.counter or None,
        "state": STATES[result.state],
        "bill": result.bill or None,
        "field": result.field or None,
        "rule": result.rule or None,
        "hint": result.hint or None,
    }
