"""Participants change by two operators' word, from a moment on, and payments go by it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from payvand.client import Bank, CallFailed, NotPermitted
from payvand.switch.certificates import issue
from payvand.switch.identity import Role
from payvand.switch.onboarding import certificates_in
from payvand.v1.approval_service_pb2 import ProposalState
from payvand.v1.participant_service_pb2 import (
    AccountPurpose,
    Participant,
    ParticipantRole,
    ParticipantState,
)
from payvand.v1.payment_pb2 import PaymentState
from tests.support.town import CAP, DEADLINE_S, Town, bank_entry, open_town
from tests.support.traffic import SECOND

SETTLED = PaymentState.PAYMENT_STATE_SETTLED
RESERVED = PaymentState.PAYMENT_STATE_RESERVED
REFUSED = PaymentState.PAYMENT_STATE_REFUSED
EXPIRED = PaymentState.PAYMENT_STATE_EXPIRED

Scene = Callable[[Town], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path, database: str) -> Callable[[Scene], None]:
    """Run a scene in a town."""

    def run(scene: Scene) -> None:
        async def whole() -> None:
            async with open_town(tmp_path, database) as town:
                await scene(town)

        asyncio.run(whole())

    return run


Play = Callable[[Scene], None]


async def submitted(town: Town, debtor: str, creditor: str, amount: int = 5) -> tuple[int, str]:
    """Return the state of a payment and, where it is refused, the rule."""
    reply = await town.bank(debtor).submit([town.pay(debtor, creditor, amount)])
    return reply.states[0], reply.refusals[0].rule if reply.refusals else ""


def test_nothing_changes_before_a_second_operator_approves(play: Play) -> None:
    async def scene(town: Town) -> None:
        proposal = await town.operator.change_participant(
            "melli", {"net_debit_cap": "3"}, reason="a circular"
        )
        assert await submitted(town, "melli", "mellat") == (RESERVED, "")
        with pytest.raises(NotPermitted, match="same_operator"):
            await town.operator.approve(proposal)
        with pytest.raises(NotPermitted):
            await town.auditor.approve(proposal)
        done = await town.second.approve(proposal)
        assert done.state == ProposalState.PROPOSAL_STATE_CARRIED_OUT
        reply = await town.bank("melli").submit([town.pay("melli", "mellat", 5)])
        assert reply.declined[0].reason.code == "AM23"

    play(scene)


def test_a_suspension_stops_new_payments_one_way_and_lets_what_is_reserved_end(play: Play) -> None:
    async def scene(town: Town) -> None:
        before = [town.pay("melli", "mellat", amount) for amount in (1, 2, 3)]
        await town.bank("melli").submit(before)
        back = town.pay("mellat", "melli", 4)
        await town.bank("mellat").submit([back])
        await town.change("melli", sending="suspended")
        assert await submitted(town, "melli", "mellat") == (REFUSED, "participant.suspended")
        assert await submitted(town, "mellat", "melli") == (RESERVED, "")
        assert list((await town.bank("melli").submit(before)).states) == [RESERVED] * 3
        await town.change("melli", receiving="suspended", sending="active")
        assert await submitted(town, "mellat", "melli") == (REFUSED, "participant.suspended")
        assert await submitted(town, "melli", "mellat") == (RESERVED, "")
        await town.change("melli", sending="suspended")
        assert await town.answer("melli", back.id) == [SETTLED], "it still answers"
        assert await town.answer("mellat", before[0].id) == [SETTLED]
        assert await town.answer("mellat", before[1].id, reject="AC04") == [
            PaymentState.PAYMENT_STATE_REJECTED
        ]
        await town.let_time_pass(DEADLINE_S + 1)
        status = await town.bank("melli").status([before[2].id])
        assert status[0].state == EXPIRED
        await town.change("melli", sending="active", receiving="active")
        assert await submitted(town, "melli", "mellat") == (RESERVED, "")

    play(scene)


def test_a_participant_closes_once_nothing_is_under_way_and_its_certificates_end(
    play: Play,
) -> None:
    async def scene(town: Town) -> None:
        payment = town.pay("melli", "saderat", 7)
        await town.bank("melli").submit([payment])
        closed = {"sending": "closed", "receiving": "closed"}
        with pytest.raises(CallFailed, match=r"participant\.not_empty"):
            await town.operator.change_participant("saderat", closed, reason="it ends")
        assert await town.answer("saderat", payment.id) == [SETTLED]
        with pytest.raises(CallFailed, match="a position of 7"):
            await town.operator.change_participant("saderat", closed, reason="it ends")
        await town.fund("melli", 100)
        await town.operator.close_window()
        await town.change("saderat", **closed)
        with pytest.raises(NotPermitted, match="no participant has the certificate"):
            await town.bank("saderat").status([payment.id])
        assert await submitted(town, "melli", "saderat") == (REFUSED, "route.unknown")
        await town.put([bank_entry("mellat", "012", "019")])
        assert await submitted(town, "melli", "saderat") == (RESERVED, "")
        with pytest.raises(CallFailed, match=r"participant\.taken"):
            await town.change("saderat", sending="active", receiving="active")

    play(scene)


def test_certificates_change_without_a_gap_and_a_revoked_one_ends_at_once(
    play: Play, tmp_path: Path
) -> None:
    async def scene(town: Town) -> None:
        (old,) = (await town.bank("melli").participants())[0].participant.certificates
        folder = tmp_path / "next"
        (folder / "authority").parent.mkdir()
        (folder / "authority").symlink_to(town.certificates / "authority")
        home = issue(folder, "melli", Role.BANK)
        async with Bank.connect(town.switch.address.address, home, patience_s=0) as renewed:
            with pytest.raises(NotPermitted, match="no participant has the certificate"):
                await renewed.participants()
            entry = bank_entry("melli", "017", "062")
            entry.certificates.extend(certificates_in(folder, "melli"))
            await town.put([entry])
            assert len((await renewed.participants())[0].participant.certificates) == 2
            await town.bank("melli").participants()
            following = asyncio.create_task(anext(aiter(town.bank("melli").follow())))
            await asyncio.sleep(0.1)
            await town.change("melli", revoke_certificates=[old.fingerprint.hex()])
            with pytest.raises(NotPermitted):
                await following
            with pytest.raises(NotPermitted, match="no participant has the certificate"):
                await town.bank("melli").participants()
            reply = await renewed.submit([town.pay("melli", "mellat", 5)])
            assert list(reply.states) == [RESERVED]

    play(scene)


def test_a_certificate_that_names_somebody_else_is_not_registered(play: Play) -> None:
    async def scene(town: Town) -> None:
        issue(town.certificates, "sepah", Role.BANK)
        entry = bank_entry("melli", "017", "062")
        entry.certificates.extend(certificates_in(town.certificates, "sepah"))
        with pytest.raises(CallFailed, match=r"certificate\.name"):
            await town.operator.put_participants([entry])
        with pytest.raises(CallFailed, match=r"participant\.taken"):
            given = (await town.operator.participants())[1].participant.certificates[0]
            await town.operator.change_participant(
                "melli",
                {
                    "certificates": [
                        {
                            "fingerprint": given.fingerprint.hex(),
                            "serial": given.serial,
                            "not_before": given.not_before,
                            "not_after": given.not_after,
                        }
                    ]
                },
                reason="a mistake",
            )

    play(scene)


def test_a_change_has_a_day_and_every_version_is_known_afterwards(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_town(tmp_path, database) as town:
            onboarded = town.clock.now
            due_at = town.clock.now + 3_600 * SECOND
            proposal = await town.operator.change_participant(
                "melli", {"display_name": "Melli", "net_debit_cap": "77"}, reason="r", due_at=due_at
            )
            assert (await town.second.approve(proposal)).state == (
                ProposalState.PROPOSAL_STATE_APPROVED
            )
            cap = (await town.operator.participants())[0].participant.net_debit_cap
            assert cap == CAP
            town.clock.now = due_at + SECOND
            async with asyncio.timeout(10):
                while (await town.bank("melli").participants())[0].participant.net_debit_cap != 77:
                    pass
            clock = town.clock
        async with open_town(tmp_path, database, participants=(), clock=clock) as town:
            new, old = await town.auditor.participant_versions("melli")
            assert (new.number, new.proposal) == (2, proposal.id)
            assert 0 <= new.since - due_at - SECOND < SECOND
            assert json.loads(new.content)["net_debit_cap"] == "77"
            assert json.loads(old.content)["net_debit_cap"] == str(CAP)
            assert await town.bank("melli").participant_versions(at=onboarded + SECOND) == [old]
            with pytest.raises(NotPermitted):
                await town.bank("mellat").participant_versions("melli")
            kept = json.loads(old.content)
            for key in ("name", "certificates", "signing_keys"):
                del kept[key]
            await town.change("melli", **kept)
            assert (await town.operator.participants())[0].participant.net_debit_cap == CAP

    asyncio.run(scene())


def test_operators_are_registered_like_anybody_else(play: Play) -> None:
    async def scene(town: Town) -> None:
        entry = Participant(
            name="sahar", role=ParticipantRole.PARTICIPANT_ROLE_OPERATOR, display_name="Sahar"
        )
        with pytest.raises(NotPermitted):
            await town.operator_named("sahar").windows()
        await town.put([entry])
        assert await town.operator_named("sahar").windows()
        everybody = await town.auditor.participants(everybody=True)
        names = {one.participant.name for one in everybody}
        assert {"sahar", "operator", "navid", "auditor", "cbi", "melli"} <= names

    play(scene)


def test_each_participant_has_an_account_for_each_purpose(play: Play) -> None:
    async def scene(town: Town) -> None:
        await town.fund("mellat", 500)
        (position,) = await town.bank("mellat").participants()
        assert [(one.purpose, one.id, one.unit) for one in position.accounts] == [
            (AccountPurpose.ACCOUNT_PURPOSE_POSITION, 33, "IRR"),
            (AccountPurpose.ACCOUNT_PURPOSE_SETTLEMENT, 34, "IRR"),
            (AccountPurpose.ACCOUNT_PURPOSE_FEE, 37, "IRR"),
            (AccountPurpose.ACCOUNT_PURPOSE_COLLATERAL, 36, "IRR"),
        ]
        assert position.accounts[1].credits_posted == "500"
        assert position.participant.sending == ParticipantState.PARTICIPANT_STATE_ACTIVE

    play(scene)


WRONG = [
    ({"sending": "away"}, r"participant\.state"),
    ({"sending": "closed"}, r"participant\.closed"),
    ({"net_debit_cap": 5}, r"directory\.amount"),
    ({"net_debit_cap": "-5"}, r"directory\.amount"),
    ({"payments_per_second": -1}, r"participant\.rate"),
    ({"revoke_certificates": ["00"]}, r"certificate\.unknown"),
    ({"certificates": [{"fingerprint": "00"}]}, r"certificate\.form"),
    ({"signing_keys": ["00"]}, r"signing_key\.form"),
    ({"signature_required": True}, r"participant\.signing_key"),
    ({"auto_accept": "yes"}, r"directory\.type"),
    ({"contacts": [{"who": "me"}]}, r"participant\.contacts"),
    ({"role": "agency"}, r"participant\.fixed"),
    ({"number": 9}, r"participant\.key"),
    ({"bank_codes": ["012"]}, r"participant\.taken"),
]


def test_what_a_participant_cannot_be_is_refused_before_it_is_proposed(play: Play) -> None:
    async def scene(town: Town) -> None:
        for traits, rule in WRONG:
            with pytest.raises(CallFailed, match=rule):
                await town.operator.change_participant("melli", traits, reason="r")
        proposals = [one async for one in town.operator.approvals.proposals()]
        assert len(proposals) == 1, "the onboarding alone"

    play(scene)


def test_a_code_that_the_table_of_banks_gives_to_another_is_warned_of(play: Play) -> None:
    async def scene(town: Town) -> None:
        fresh = bank_entry("sepah", "015", "999")
        reply = await town.propose([fresh, bank_entry("mellat", "012", "063")])
        unknown, foreign = reply.warnings
        assert unknown.startswith("sepah: bank code 999: bank_code.unknown")
        assert foreign.startswith(
            "mellat: bank code 063: the table of banks gives it to 015 (Bank Sepah), sepah"
        )
        assert list(json.loads(reply.proposal.content)["warnings"]) == list(reply.warnings)

    play(scene)
