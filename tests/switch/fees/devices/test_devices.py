"""What devices charge takes effect once, however it comes: over gRPC, with bills and a database."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from payvand.client import CallFailed, Devices, NotPermitted, sign_charges
from payvand.switch.identity import Role
from payvand.v1.bill_pb2 import BillSubject, BillSubjectKind
from payvand.v1.fee_assessment_service_pb2 import FeeFact
from payvand.v1.fee_device_service_pb2 import (
    ChargeState,
    CounterRange,
    DeviceCharge,
    FeeDevice,
    SignedCharges,
)
from tests.support.fee_catalogue import set_in_force
from tests.support.town import TAX_IBAN, Town, agency_entry, bank_entry, open_town

SEEDS = Path(__file__).parents[4] / "examples" / "fees"
TEXT = (SEEDS / "roads.toml").read_text(encoding="utf-8")
TAKEN, REPEATED, REFUSED = (
    ChargeState.CHARGE_STATE_TAKEN,
    ChargeState.CHARGE_STATE_REPEATED,
    ChargeState.CHARGE_STATE_REFUSED,
)
PARTICIPANTS = (
    bank_entry("melli", "017"),
    agency_entry("roads", "IR390104000000000000017017"),
    agency_entry("tax", TAX_IBAN),
)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
HOUR = 3_600_000_000_000

Scene = Callable[[Town], Awaitable[None]]
Play = Callable[[Scene], None]


@pytest.fixture
def play(tmp_path: Path, database: str) -> Play:
    def run(scene: Scene) -> None:
        async def whole() -> None:
            async with open_town(tmp_path, database, participants=PARTICIPANTS) as town:
                await set_in_force(town, "roads", TEXT)
                await clerk(town).enrol([gate("gate-7")])
                await scene(town)

        asyncio.run(whole())

    return run


def clerk(town: Town) -> Devices:
    return devices(town, "maryam@roads", Role.AGENCY_CLERK)


def agency(town: Town) -> Devices:
    return devices(town, "roads", Role.AGENCY)


def devices(town: Town, name: str, role: Role) -> Devices:
    connection: Devices = town._connect(Devices, name, role)
    return connection


def gate(name: str, key: Ed25519PrivateKey = KEY, service: str = "toll") -> FeeDevice:
    return FeeDevice(name=name, public_key=key.public_key().public_bytes_raw(), service=service)


def passage(town: Town, counter: int, kilometres: int = 100, **fields: Any) -> DeviceCharge:
    given = {
        "counter": counter,
        "at": town.clock.now - counter * HOUR,
        "subject": BillSubject(kind=BillSubjectKind.BILL_SUBJECT_KIND_PLATE, value=f"12B{counter}"),
        "facts": [
            FeeFact(code="vehicle", choice="car"),
            FeeFact(code="kilometres", number=kilometres),
        ],
    }
    return DeviceCharge(**given | fields)


def signed(
    *charges: DeviceCharge, key: Ed25519PrivateKey = KEY, device: str = "gate-7"
) -> SignedCharges:
    return sign_charges(key, "roads", device, charges)


async def bills_of(town: Town, plate: str) -> list[Any]:
    subject = BillSubject(kind=BillSubjectKind.BILL_SUBJECT_KIND_PLATE, value=plate)
    return [bill async for bill in town.bank("melli").bills.of_subject(subject)]


async def states(town: Town, *batches: SignedCharges) -> list[int]:
    return [result.state for result in await agency(town).bring(batches)]


def test_a_charge_becomes_a_bill_of_what_was_driven(play: Play) -> None:
    async def scene(town: Town) -> None:
        (result,) = await agency(town).bring([signed(passage(town, 1))])
        assert (result.device, result.counter, result.state) == ("gate-7", 1, TAKEN)
        (bill,) = await bills_of(town, "12B1")
        assert bill.number == result.bill
        assert bill.amount == 260_000
        assert [line.amount for line in bill.lines] == [238_532, 21_468]

    play(scene)


def test_charges_take_effect_once_however_they_come(play: Play) -> None:
    async def scene(town: Town) -> None:
        chance = random.Random(7)
        charges = [passage(town, counter) for counter in range(1, 41)]
        batches = [signed(*chance.sample(charges, chance.randint(1, 12))) for _ in range(30)]
        batches.append(signed(*charges))
        chance.shuffle(batches)
        found = [await agency(town).bring(batches[place : place + 4]) for place in range(0, 31, 4)]
        results = [result for reply in found for result in reply]
        taken = [result.counter for result in results if result.state == TAKEN]
        assert sorted(taken) == list(range(1, 41))
        assert {result.state for result in results} == {TAKEN, REPEATED}
        assert len({(result.counter, result.bill) for result in results}) == 40
        for charge in charges:
            assert len(await bills_of(town, charge.subject.value)) == 1
        (device,) = await clerk(town).devices()
        assert (device.counter_max, device.charges, list(device.missing)) == (40, 40, [])

    play(scene)


def test_the_same_batch_brought_by_many_at_once_takes_effect_once(play: Play) -> None:
    async def scene(town: Town) -> None:
        batch = signed(*(passage(town, counter) for counter in range(1, 11)))
        replies = await asyncio.gather(*(agency(town).bring([batch]) for _ in range(8)))
        numbers = {(one.counter, one.bill) for reply in replies for one in reply}
        assert len(numbers) == 10
        for counter in range(1, 11):
            assert len(await bills_of(town, f"12B{counter}")) == 1

    play(scene)


def test_a_later_day_and_another_schedule_change_nothing_of_what_took_effect(play: Play) -> None:
    async def scene(town: Town) -> None:
        batch = signed(passage(town, 1))
        assert await states(town, batch) == [TAKEN]
        dearer = TEXT.replace("amount = 2_600", "amount = 3_600")
        await set_in_force(town, "roads", dearer)
        await town.let_time_pass(5 * 86_400)
        assert await states(town, batch, signed(passage(town, 2, at=town.clock.now))) == [
            REPEATED,
            TAKEN,
        ]
        ((first,), (second,)) = (await bills_of(town, "12B1"), await bills_of(town, "12B2"))
        assert (first.amount, second.amount) == (260_000, 360_000)

    play(scene)


def test_counters_that_never_came_in_are_told(play: Play) -> None:
    async def scene(town: Town) -> None:
        counters = (9, 3, 4, 12)
        await agency(town).bring([signed(*(passage(town, counter) for counter in counters))])
        (device,) = await clerk(town).devices()
        assert (device.counter_max, device.charges) == (12, 4)
        missing = [(1, 2), (5, 8), (10, 11)]
        assert list(device.missing) == [CounterRange(first=a, last=b) for a, b in missing]

    play(scene)


def test_what_no_device_signed_takes_no_effect(play: Play) -> None:
    async def scene(town: Town) -> None:
        good = signed(passage(town, 1))
        spoilt = SignedCharges(batch=good.batch, signature=bytes(64))
        foreign = sign_charges(KEY, "tax", "gate-7", [passage(town, 1)])
        cases = {
            "charges.signature": [spoilt, signed(passage(town, 1), key=OTHER_KEY)],
            "device.unknown": [signed(passage(town, 1), device="gate-8")],
            "charges.agency": [foreign],
            "charges.form": [SignedCharges(batch=b"\xff\xff", signature=good.signature)],
            "charges.count": [signed()],
        }
        for rule, batches in cases.items():
            for result in await agency(town).bring(batches):
                assert (result.state, result.rule, result.counter) == (REFUSED, rule, 0)
        assert await bills_of(town, "12B1") == []
        assert await states(town, good) == [TAKEN]

    play(scene)


def test_a_bad_charge_leaves_the_others_of_its_batch(play: Play) -> None:
    async def scene(town: Town) -> None:
        ship = [FeeFact(code="vehicle", choice="ship"), FeeFact(code="kilometres", number=1)]
        batch = signed(
            passage(town, 1),
            passage(town, 2, facts=ship),
            passage(town, 0),
            passage(town, 4, at=town.clock.now + HOUR),
            passage(town, 5),
        )
        results = await agency(town).bring([batch])
        assert [one.state for one in results] == [TAKEN, REFUSED, REFUSED, REFUSED, TAKEN]
        assert [one.rule for one in results[1:4]] == ["facts.choice", "charge.counter", "charge.at"]
        assert results[1].field == "batch.charges[1].facts.vehicle"
        again = await agency(town).bring([signed(passage(town, 1, kilometres=7))])
        assert [(one.state, one.rule) for one in again] == [(REFUSED, "charge.counter_reused")]

    play(scene)


def test_a_device_is_enrolled_once_by_a_clerk_and_believed_until_it_is_revoked(play: Play) -> None:
    async def scene(town: Town) -> None:
        with pytest.raises(NotPermitted):
            await agency(town).enrol([gate("gate-9")])
        assert (await clerk(town).enrol([gate("gate-7")]))[0].enrolled_by == "maryam@roads"
        for wrong, rule in (
            (gate("gate-7", OTHER_KEY), "device.known"),
            (gate("Gate 9"), "device.name"),
            (gate("gate-9", service="ferry"), "service.unknown"),
            (FeeDevice(name="gate-9", public_key=b"short", service="toll"), "device.key"),
        ):
            with pytest.raises(CallFailed, match=rule):
                await clerk(town).enrol([wrong])
        batch = signed(passage(town, 1))
        assert await states(town, batch) == [TAKEN]
        revoked = await clerk(town).revoke("gate-7", reason="stolen")
        assert revoked.revoked_at == town.clock.now
        (result,) = await agency(town).bring([signed(passage(town, 2))])
        assert (result.state, result.rule) == (REFUSED, "device.revoked")
        assert len(await bills_of(town, "12B1")) == 1

    play(scene)
