"""The directory over real gRPC and a real database: durable, by its owners, and dear to guess."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from payvand.client import CallFailed, DirectoryCopy, NotPermitted, SwitchUnreachable
from payvand.client.directory_copy import LEVELS
from payvand.switch.directory.alias_table import AliasTable
from payvand.switch.directory.copied_rows import CopiedRows
from payvand.switch.identifiers import card, legal_id, national_id
from payvand.v1.directory_service_pb2 import (
    Alias,
    AliasKind,
    ClaimKind,
    ClaimState,
    Registration,
)
from tests.support.town import Town, bank_entry, open_town
from tests.support.traffic import SECOND

Scene = Callable[[Town, Any], Awaitable[None]]
DAY_S = 86_400
MOBILE = Alias(kind=AliasKind.ALIAS_KIND_MOBILE, value="09121234567")
NAME = "علی رضایی"
PORTABILITY = ClaimKind.CLAIM_KIND_PORTABILITY
OWNERSHIP = ClaimKind.CLAIM_KIND_OWNERSHIP


def play(folder: Path, database: str, scene: Scene) -> None:
    """Run a scene in a town, beside a connection to its database."""

    async def whole() -> None:
        connection = await asyncpg.connect(database)
        async with open_town(folder, database) as town:
            await scene(town, connection)
        await connection.close()

    asyncio.run(whole())


def entry(town: Town, bank: str, alias: Alias = MOBILE, number: int = 1) -> Registration:
    return Registration(alias=alias, iban=town.account(bank, number), name=NAME)


def mobile(number: int) -> Alias:
    return Alias(kind=AliasKind.ALIAS_KIND_MOBILE, value=f"0913{number:07}")


async def asked(town: Town, bank: str, *aliases: Alias) -> list[tuple[str, str]]:
    reply = await town.bank(bank).directory.look_up(aliases or [MOBILE])
    return [(payee.bank, payee.iban) for payee in reply.payees]


def test_what_was_registered_is_found_after_a_restart(tmp_path: Path, database: str) -> None:
    aliases = [
        MOBILE,
        Alias(kind=AliasKind.ALIAS_KIND_NATIONAL_ID, value=national_id.make("001234567")),
        Alias(kind=AliasKind.ALIAS_KIND_LEGAL_ID, value=legal_id.make("1010000000")),
        Alias(kind=AliasKind.ALIAS_KIND_CARD, value=card.make("603799000000000")),
    ]

    async def first(town: Town, connection: Any) -> None:
        melli = town.bank("melli").directory
        aliases.append(Alias(kind=AliasKind.ALIAS_KIND_IBAN, value=town.account("melli")))
        for _ in range(2):
            assert await melli.register([entry(town, "melli", alias) for alias in aliases]) == []
        assert await connection.fetchval("SELECT count(*) FROM reference.alias") == len(aliases)
        assert await melli.register([entry(town, "melli", mobile(1))]) == []
        for _ in range(2):
            assert await melli.remove([mobile(1)]) == []

    async def later(town: Town, connection: Any) -> None:
        here = ("melli", town.account("melli"))
        assert await asked(town, "mellat", *aliases) == [here] * len(aliases)
        assert await asked(town, "tax", mobile(1)) == [("", "")]
        reply = await town.bank("mellat").directory.look_up([MOBILE])
        assert reply.payees[0].masked_name == "ع*** ر***"

    play(tmp_path, database, first)
    play(tmp_path, database, later)


def test_each_alias_of_a_request_is_judged_on_its_own(tmp_path: Path, database: str) -> None:
    async def scene(town: Town, connection: Any) -> None:
        mellat, melli = (town.bank(name).directory for name in ("mellat", "melli"))
        assert await mellat.register([entry(town, "mellat")]) == []
        refusals = await melli.register(
            [
                entry(town, "melli", mobile(1)),
                entry(town, "melli"),
                entry(town, "mellat", mobile(2)),
                entry(town, "melli", Alias(kind=AliasKind.ALIAS_KIND_MOBILE, value="0912")),
                Registration(alias=mobile(3), iban=town.account("melli"), name="a\x00b"),
                entry(town, "melli", mobile(1), 2),
                entry(town, "melli", mobile(1)),
            ]
        )
        assert [(one.index, one.field, one.rule) for one in refusals] == [
            (1, "alias", "alias.taken"),
            (2, "iban", "alias.not_yours"),
            (3, "alias.value", "mobile.length"),
            (4, "name", "alias.name"),
            (5, "alias", "alias.twice"),
        ]
        assert await asked(town, "mellat", mobile(1)) == [("melli", town.account("melli"))]
        refusals = await melli.remove([MOBILE, mobile(9), mobile(1), mobile(1)])
        assert [(one.index, one.rule) for one in refusals] == [(0, "alias.not_yours")]
        assert await asked(town, "mellat", MOBILE, mobile(1)) == [
            ("mellat", town.account("mellat")),
            ("", ""),
        ]
        reply = await melli.look_up([Alias(value="1"), MOBILE])
        assert [(one.index, one.rule) for one in reply.refusals] == [(0, "alias.kind")]
        assert reply.payees[1].bank == "mellat"

    play(tmp_path, database, scene)


def test_an_alias_is_ported_by_claim_with_every_step_repeatable(
    tmp_path: Path, database: str
) -> None:
    async def scene(town: Town, connection: Any) -> None:
        melli, mellat = (town.bank(name).directory for name in ("melli", "mellat"))
        await melli.register([entry(town, "melli")])
        identity = b"\x07" * 16
        for _ in range(2):
            claim = await mellat.open_claim(PORTABILITY, MOBILE, claim_id=identity)
            assert (claim.donor, claim.claimant) == ("melli", "mellat")
            assert claim.state == ClaimState.CLAIM_STATE_WAITING
            assert claim.answer_by - claim.opened_at == 7 * DAY_S * SECOND
        waiting = [one async for one in melli.claims()]
        assert [one.id for one in waiting] == [identity]
        assert waiting[0].alias.value == "989121234567"
        # While it is open nobody changes the alias, and nobody else hears of the claim.
        refusals = await melli.register([entry(town, "melli", MOBILE, 2)])
        assert [one.rule for one in refusals] == ["alias.claimed"]
        assert [one.rule for one in await melli.remove([MOBILE])] == ["alias.claimed"]
        stranger = town.bank("saderat").directory
        with pytest.raises(CallFailed, match=r"claim\.unknown"):
            await stranger.confirm_claim(identity)
        assert [one async for one in stranger.claims(ended=True)] == []
        with pytest.raises(CallFailed, match=r"alias\.claimed"):
            await stranger.open_claim(OWNERSHIP, MOBILE)
        with pytest.raises(CallFailed, match=r"claim\.id_reused"):
            await mellat.open_claim(OWNERSHIP, MOBILE, claim_id=identity)
        with pytest.raises(CallFailed, match=r"claim\.state"):
            await mellat.complete_claim(identity, town.account("mellat"), NAME)
        with pytest.raises(CallFailed, match=r"claim\.not_yours"):
            await mellat.confirm_claim(identity)
        for _ in range(2):
            claim = await melli.confirm_claim(identity)
            assert claim.state == ClaimState.CLAIM_STATE_CONFIRMED
        assert await asked(town, "saderat") == [("melli", town.account("melli"))]
        with pytest.raises(CallFailed, match=r"alias\.not_yours"):
            await mellat.complete_claim(identity, town.account("melli"), NAME)
        for _ in range(2):
            claim = await mellat.complete_claim(identity, town.account("mellat"), NAME)
            assert claim.state == ClaimState.CLAIM_STATE_COMPLETED
        assert await asked(town, "saderat") == [("mellat", town.account("mellat"))]
        assert await connection.fetchval("SELECT bank_code FROM reference.alias") == 12
        assert [one async for one in melli.claims()] == []
        assert [one.id async for one in melli.claims(ended=True)] == [identity]
        # A retry that comes late returns the claim and moves nothing again.
        assert await mellat.register([entry(town, "mellat", MOBILE, 2)]) == []
        await mellat.complete_claim(identity, town.account("mellat"), NAME)
        assert await asked(town, "saderat") == [("mellat", town.account("mellat", 2))]

    play(tmp_path, database, scene)


def test_deadlines_take_effect_by_themselves(tmp_path: Path, database: str) -> None:
    async def scene(town: Town, connection: Any) -> None:
        melli, mellat = (town.bank(name).directory for name in ("melli", "mellat"))
        await melli.register([entry(town, "melli"), entry(town, "melli", mobile(1))])
        ported = await mellat.open_claim(PORTABILITY, MOBILE)
        owned = await mellat.open_claim(OWNERSHIP, mobile(1))
        town.clock.now += 7 * DAY_S * SECOND
        states = {one.id: one.state async for one in mellat.claims(ended=True)}
        assert states == {
            ported.id: ClaimState.CLAIM_STATE_CANCELLED,
            owned.id: ClaimState.CLAIM_STATE_CONFIRMED,
        }
        assert [one.id async for one in mellat.claims()] == [owned.id]
        # The alias of the first is free again, also for another claim.
        assert await melli.register([entry(town, "melli", MOBILE, 2)]) == []
        again = await mellat.open_claim(OWNERSHIP, MOBILE)
        with pytest.raises(CallFailed, match=r"claim\.reason"):
            await melli.cancel_claim(again.id, "a\nb")
        no = await melli.cancel_claim(again.id, "صاحب آن نمی‌خواهد")
        assert no.reason == "صاحب آن نمی‌خواهد"
        assert no.state == ClaimState.CLAIM_STATE_CANCELLED
        done = await mellat.complete_claim(owned.id, town.account("mellat"), NAME)
        assert done.state == ClaimState.CLAIM_STATE_COMPLETED
        assert await asked(town, "saderat", mobile(1)) == [("mellat", town.account("mellat"))]

    play(tmp_path, database, scene)


def test_what_cannot_be_claimed_is_not_claimed(tmp_path: Path, database: str) -> None:
    async def scene(town: Town, connection: Any) -> None:
        melli, mellat = (town.bank(name).directory for name in ("melli", "mellat"))
        account = Alias(kind=AliasKind.ALIAS_KIND_IBAN, value=town.account("melli"))
        await melli.register([entry(town, "melli", account), entry(town, "melli")])
        for directory, kind, alias, rule in (
            (mellat, PORTABILITY, account, "claim.iban"),
            (mellat, PORTABILITY, mobile(5), "alias.unknown"),
            (mellat, ClaimKind.CLAIM_KIND_UNSPECIFIED, MOBILE, "claim.kind"),
            (melli, PORTABILITY, MOBILE, "claim.own_alias"),
        ):
            with pytest.raises(CallFailed, match=rule.replace(".", r"\.")):
                await directory.open_claim(kind, alias)
        with pytest.raises(CallFailed, match=r"id\.form"):
            await mellat.open_claim(PORTABILITY, MOBILE, claim_id=b"\0" * 16)
        assert await connection.fetchval("SELECT count(*) FROM reference.claim") == 0

    play(tmp_path, database, scene)


def test_trying_numbers_is_dear_and_says_how_long_to_wait(tmp_path: Path, database: str) -> None:
    async def scene(town: Town, connection: Any) -> None:
        melli, mellat = (town.bank(name).directory for name in ("melli", "mellat"))
        await melli.register([entry(town, "melli")])
        tries = [mobile(number) for number in range(1_000)]
        for part in (tries, tries[:300]):  # 1,300 misses of 50 tokens each
            await mellat.look_up(part)
        with pytest.raises(CallFailed) as throttled:
            await mellat.look_up([MOBILE])
        # 5,000 tokens too few and one for the question, 2,000 a second.
        assert throttled.value.refusal.retry_after_ms == 2_501
        for act in (mellat.remove([mobile(1)]), mellat.open_claim(OWNERSHIP, MOBILE)):
            with pytest.raises(CallFailed, match=r"directory\.tokens"):
                await act
        assert await asked(town, "saderat") == [("melli", town.account("melli"))]
        town.clock.now += 3 * SECOND
        assert await asked(town, "mellat") == [("melli", town.account("melli"))]
        with pytest.raises(CallFailed, match=r"batch\.size"):
            await mellat.look_up([MOBILE] * 1_001)

    play(tmp_path, database, scene)


def test_a_refused_registration_tells_nothing_for_nothing(tmp_path: Path, database: str) -> None:
    async def scene(town: Town, connection: Any) -> None:
        melli, mellat = (town.bank(name).directory for name in ("melli", "mellat"))
        taken = [mobile(number) for number in range(1_000)]
        await melli.register([entry(town, "melli", one) for one in taken])
        for _ in range(2):
            await mellat.register([entry(town, "mellat", one) for one in taken])
        with pytest.raises(CallFailed, match=r"directory\.tokens"):
            await mellat.register([entry(town, "mellat")])

    play(tmp_path, database, scene)


def test_a_copy_is_proved_equal_or_led_to_what_differs(tmp_path: Path, database: str) -> None:
    async def scene(town: Town, connection: Any) -> None:
        melli, mellat = (town.bank(name).directory for name in ("melli", "mellat"))
        copy = DirectoryCopy()
        for number in range(500):
            alias = mobile(number)
            copy.put(alias.kind, alias.value, town.account("melli", number + 1), NAME)
        for start in (0, 250):
            await melli.register(
                [entry(town, "melli", mobile(n), n + 1) for n in range(start, start + 250)]
            )
        assert await melli.differences(copy) == []
        await melli.remove([mobile(7)])
        await melli.register([entry(town, "melli", mobile(8), 900), entry(town, "melli")])
        for bank in (melli, mellat):
            found = {
                (one.number % 10**7, one.in_copy, one.in_directory)
                for one in await bank.differences(copy)
            }
            assert found == {(7, True, False), (8, True, True), (1_234_567, False, True)}
        assert (await melli.nodes(0, [0]))[0][0] == 500
        with pytest.raises(CallFailed, match=r"node\.index"):
            await melli.nodes(LEVELS, [1 << LEVELS])
        with pytest.raises(CallFailed, match=r"leaf\.digests"):
            await melli.compare_leaf(0, [b"short"])
        # To list what others registered is as dear as guessing it.
        with pytest.raises(CallFailed, match=r"directory\.tokens"):
            for _ in range(10):
                await mellat.differences(DirectoryCopy())

    play(tmp_path, database, scene)


def test_a_change_that_is_not_durable_is_not_known(tmp_path: Path, database: str) -> None:
    async def scene(town: Town, connection: Any) -> None:
        melli = town.bank("melli").directory
        await melli.register([entry(town, "melli")])
        await connection.execute(
            "ALTER TABLE reference.alias ADD CONSTRAINT none CHECK (bank_code = -1) NOT VALID"
        )
        with pytest.raises(SwitchUnreachable, match="database"):
            await melli.register([entry(town, "melli", mobile(1)), entry(town, "melli", MOBILE, 2)])
        here = ("melli", town.account("melli"))
        assert await asked(town, "mellat", mobile(1), MOBILE) == [("", ""), here]
        await connection.execute("ALTER TABLE reference.alias DROP CONSTRAINT none")
        assert await melli.register([entry(town, "melli", mobile(1))]) == []
        assert await asked(town, "mellat", mobile(1), MOBILE) == [here, here]

    play(tmp_path, database, scene)


def test_a_commit_that_nobody_heard_of_becomes_known_with_the_next_change(
    tmp_path: Path, database: str
) -> None:
    async def scene(town: Town, connection: Any) -> None:
        melli = town.bank("melli").directory
        # The row is committed while the switch is told that it failed.
        await connection.execute(
            """
            CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS
            $$BEGIN PERFORM pg_sleep(2); RETURN NULL; END$$;
            CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON reference.alias
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut()
            """
        )
        calling = asyncio.create_task(melli.register([entry(town, "melli")]))
        await asyncio.sleep(1)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        await connection.execute("SELECT pg_sleep(2); DROP TRIGGER cut ON reference.alias")
        assert await melli.remove([mobile(1)]) == []
        committed = await connection.fetchval("SELECT count(*) FROM reference.alias")
        expected = ("melli", town.account("melli")) if committed else ("", "")
        assert await asked(town, "mellat") == [expected]

    play(tmp_path, database, scene)


def test_aliases_follow_the_bank_code_to_another_participant(tmp_path: Path, database: str) -> None:
    async def scene(town: Town, connection: Any) -> None:
        await town.bank("mellat").directory.register([entry(town, "mellat")])
        await town.put([bank_entry("mellat", "015"), bank_entry("saderat", "019", "012")])
        assert await asked(town, "melli") == [("saderat", town.account("mellat"))]
        refusals = await town.bank("mellat").directory.register([entry(town, "mellat")])
        assert [one.rule for one in refusals] == ["alias.not_yours"]
        assert await town.bank("saderat").directory.remove([MOBILE]) == []

    play(tmp_path, database, scene)


def test_agencies_ask_and_do_not_register(tmp_path: Path, database: str) -> None:
    async def scene(town: Town, connection: Any) -> None:
        await town.bank("melli").directory.register([entry(town, "melli")])
        assert await asked(town, "tax") == [("melli", town.account("melli"))]
        with pytest.raises(NotPermitted):
            await town.bank("tax").directory.register([entry(town, "tax")])

    play(tmp_path, database, scene)


@pytest.mark.parametrize("size", [1, 7, 19, 64, 1_000_000])
def test_copied_rows_come_in_pieces_of_any_size(size: int, tmp_path: Path, database: str) -> None:
    async def scene(town: Town, connection: Any) -> None:
        accounts = [0, 1, 9_999, 10_000, 10**18, 10**19 - 1, 12_0000_0000]
        melli = town.bank("melli").directory
        await melli.register(
            [entry(town, "melli", mobile(n), account) for n, account in enumerate(accounts)]
        )
        parts: list[bytes] = []

        async def take(part: bytes) -> None:
            parts.append(part)

        await connection.copy_from_query(
            "SELECT key, bank_code, account, name FROM reference.alias",
            output=take,
            format="binary",
        )
        content = b"".join(parts)
        table = AliasTable()
        rows = CopiedRows(table)
        for start in range(0, len(content), size):
            assert not rows.has_ended
            rows.feed(content[start : start + size])
        assert rows.has_ended
        assert rows.rows == len(accounts) == len(table)
        assert table.tree.nodes(0, [0]) == await melli.nodes(0, [0])

    play(tmp_path, database, scene)


@pytest.mark.parametrize("content", [b"PGCOPX" + bytes(20), b"PGCOPY\n\xff\r\n\0" + bytes(10)])
def test_what_is_no_copy_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"COPY|columns"):
        CopiedRows(AliasTable()).feed(content)
