"""Signed payments: verified, kept as they came, required of who must sign, and checked later."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner

from payvand.client import CallFailed, PackedBatch, SwitchUnreachable, pack_texts, packed_payments
from payvand.client.signing import is_signed, public_key_of, sign, write_signing_key
from payvand.switch.cli import main
from payvand.v1.payment_pb2 import PaymentState
from payvand.v1.payment_service_pb2 import SubmitRequest
from payvand.v1.signature_service_pb2 import SubmitSignedRequest
from tests.support.town import Town, open_town

RESERVED = PaymentState.PAYMENT_STATE_RESERVED
REFUSED = PaymentState.PAYMENT_STATE_REFUSED

Scene = Callable[[Town], Awaitable[None]]
Play = Callable[[Scene], None]


@pytest.fixture
def play(tmp_path: Path, database: str) -> Play:
    def run(scene: Scene) -> None:
        async def whole() -> None:
            async with open_town(tmp_path, database) as town:
                await scene(town)

        asyncio.run(whole())

    return run


async def check(town: Town, identity: bytes, exit_code: int = 0) -> dict[str, bool]:
    """Run `payvand signatures check` as an auditor; return its proofs."""

    def run() -> dict[str, bool]:
        result = CliRunner().invoke(
            main,
            [
                *("signatures", "check", identity.hex(), "--json"),
                *("--address", town.switch.address.address),
                *("--certificates", str(town.certificates / "auditor")),
            ],
        )
        assert result.exit_code == exit_code, result.output
        proofs: dict[str, bool] = json.loads(result.stdout)["proofs"]
        return proofs

    return await asyncio.to_thread(run)


HOLDS = {"signature_holds": True, "key_was_registered": True, "books_hold_what_was_signed": True}


def test_a_signed_payment_is_proved_afterwards_also_once_its_key_is_revoked(
    play: Play, tmp_path: Path
) -> None:
    async def scene(town: Town) -> None:
        key = write_signing_key(tmp_path / "key.pem")
        payment = town.pay("melli", "mellat", 5, remittance="قبض")
        with pytest.raises(CallFailed, match=r"signature\.key"):
            await town.bank("melli").submit_signed([payment], key)
        public = public_key_of(key).hex()
        await town.change("melli", signing_keys=[public])
        for _ in range(2):
            reply = await town.bank("melli").submit_signed([payment], key)
            assert list(reply.states) == [RESERVED]
        assert list((await town.bank("melli").submit([payment])).states) == [RESERVED]
        assert await check(town, payment.id) == HOLDS
        town.clock.now += 1_000_000_000
        await town.change("melli", revoke_signing_keys=[public])
        assert await check(town, payment.id) == HOLDS
        with pytest.raises(CallFailed, match=r"signature\.key"):
            await town.bank("melli").submit_signed([payment], key)

    play(scene)


def test_a_batch_of_either_form_is_signed_as_a_whole(play: Play, tmp_path: Path) -> None:
    async def scene(town: Town) -> None:
        key = write_signing_key(tmp_path / "key.pem")
        await town.change("melli", signing_keys=[public_key_of(key).hex()])
        batch = [town.pay("melli", "mellat", 5) for _ in range(300)]
        reply = await town.bank("melli").submit_signed(batch, key)
        assert set(reply.states) == {RESERVED}
        assert await check(town, batch[217].id) == HOLDS
        records = packed_payments(
            40,
            debtor_iban=[town.account("melli")] * 40,
            creditor_iban=[town.account("mellat")] * 40,
            amount=range(1, 41),
        )
        texts = pack_texts(records, {"end_to_end_id": [f"E-{n}" for n in range(40)]})
        packed = PackedBatch(records, texts)
        reply = await town.bank("melli").submit_signed(packed, key)
        assert set(reply.states) == {RESERVED}
        identity = records.tobytes()[96 * 31 : 96 * 31 + 16]
        assert await check(town, identity) == HOLDS

    play(scene)


def test_who_must_sign_sends_nothing_unsigned_and_is_told_of_what_it_sent_before(
    play: Play, tmp_path: Path
) -> None:
    async def scene(town: Town) -> None:
        key = write_signing_key(tmp_path / "key.pem")
        before, after = town.pay("melli", "mellat", 1), town.pay("melli", "mellat", 2)
        await town.bank("melli").submit([before])
        await town.change("melli", signing_keys=[public_key_of(key).hex()], signature_required=True)
        reply = await town.bank("melli").submit([before, after])
        assert list(reply.states) == [RESERVED, REFUSED]
        assert reply.refusals[0].rule == "signature.required"
        reply = await town.bank("melli").submit_signed([after], key)
        assert list(reply.states) == [RESERVED]
        await town.change("melli", sending="suspended")
        for submitted in (
            await town.bank("melli").submit([town.pay("melli", "mellat", 3)]),
            await town.bank("melli").submit_signed([town.pay("melli", "mellat", 3)], key),
        ):
            assert submitted.refusals[0].rule == "participant.suspended"

    play(scene)


def test_a_signature_over_other_bytes_has_no_effect(play: Play, tmp_path: Path) -> None:
    async def scene(town: Town) -> None:
        key = write_signing_key(tmp_path / "key.pem")
        await town.change("melli", signing_keys=[public_key_of(key).hex()])
        bank = town.bank("melli")
        payment = town.pay("melli", "mellat", 5)
        good = sign(SubmitRequest(payments=[payment]), key)
        for wrong in (
            SubmitSignedRequest(
                request=good.request[:-1] + bytes([good.request[-1] ^ 1]),
                signing_key=good.signing_key,
                signature=good.signature,
            ),
            SubmitSignedRequest(
                request=good.request, signing_key=good.signing_key, signature=bytes(64)
            ),
            SubmitSignedRequest(
                request=good.request,
                signing_key=good.signing_key,
                signature=key.sign(good.request),
            ),
        ):
            assert not is_signed(wrong)
            with pytest.raises(CallFailed, match=r"signature\.wrong"):
                await bank._call(bank._signatures.SubmitSigned, wrong)
        with pytest.raises(CallFailed, match=r"signature\.unknown"):
            await bank.signed_request(payment.id)
        (status,) = await bank.status([payment.id])
        assert status.state == PaymentState.PAYMENT_STATE_UNKNOWN

    play(scene)


def test_what_cannot_be_kept_is_not_submitted_and_only_its_signer_sees_it(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_town(tmp_path, database) as town:
            key = write_signing_key(tmp_path / "key.pem")
            await town.change("melli", signing_keys=[public_key_of(key).hex()])
            kept, lost = town.pay("melli", "mellat", 1), town.pay("melli", "mellat", 2)
            await town.bank("melli").submit_signed([kept], key)
            assert (await town.bank("melli").signed_request(kept.id)).participant == "melli"
            with pytest.raises(CallFailed, match=r"signature\.unknown"):
                await town.bank("mellat").signed_request(kept.id)
            connection = await asyncpg.connect(database)
            await connection.execute(
                "ALTER TABLE reference.signed_payment ADD CONSTRAINT none CHECK (false) NOT VALID"
            )
            with pytest.raises(SwitchUnreachable, match="database"):
                await town.bank("melli").submit_signed([lost], key)
            (status,) = await town.bank("melli").status([lost.id])
            assert status.state == PaymentState.PAYMENT_STATE_UNKNOWN
            with pytest.raises(asyncpg.RaiseError, match="append-only"):
                await connection.execute("DELETE FROM reference.signed_payment")
            await connection.close()

    asyncio.run(scene())
