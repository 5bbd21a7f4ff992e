"""What a sandbox bank gets wrong on demand, and how the payment ends all the same."""

import asyncio
from pathlib import Path

import pytest

from payvand.client import STATE_NAMES
from payvand.switch.sandbox import inbox
from payvand.switch.sandbox.accounts import account_iban
from payvand.switch.sandbox.bank import SandboxBank
from tests.support.town import DEADLINE_S, open_town

ENDS = {
    899: ("settled", ""),
    900: ("expired", ""),
    901: ("rejected", "AC01"),
    902: ("expired", ""),
    903: ("rejected", "CURR"),
    904: ("rejected", "AC04"),
    905: ("settled", ""),
    909: ("settled", ""),
}
"""How a payment ends, by the last digits of the account that it goes to."""


async def _tell_nobody(_: object) -> None:
    """Take what the bank says of itself."""


def test_each_failure_ends_a_payment_as_it_must_and_once(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        async with open_town(tmp_path, database) as town:
            payments = {
                ending: town.pay("melli", "mellat", 5, creditor_iban=account_iban("012", 1, ending))
                for ending in ENDS
            }
            sandbox = await SandboxBank.connect(
                "mellat",
                address=town.switch.address.address,
                certificates=town.certificates / "mellat",
                folder=tmp_path / "books",
                go=asyncio.Event(),
            )
            expired = asyncio.Event()

            async def too_late(_: float) -> None:
                await expired.wait()

            async with sandbox:
                work = asyncio.create_task(sandbox.run(_tell_nobody))
                monkeypatch.setattr(inbox, "sleep", too_late)
                await town.bank("melli").submit(list(payments.values()))
                quick = [one.id for ending, one in payments.items() if ENDS[ending][0] != "expired"]
                async with asyncio.timeout(20):
                    while {
                        STATE_NAMES[one.state] for one in await town.bank("melli").status(quick)
                    } - {"settled", "rejected"}:
                        pass
                await town.let_time_pass(DEADLINE_S + 1)
                expired.set()
                await asyncio.sleep(0.2)
                work.cancel()
                await asyncio.wait([work])
            statuses = await town.bank("melli").status([one.id for one in payments.values()])
            told = {
                ending: (STATE_NAMES[one.state], one.reason.code if one.state == 6 else "")
                for ending, one in zip(payments, statuses, strict=True)
            }
            assert told == ENDS
            received = sandbox.book.received.states()
            assert {state: count for state, (count, _) in received.items()} == {
                "settled": 3,
                "rejected": 3,
                "expired": 2,
            }
            assert not sandbox.book.contradictions

    asyncio.run(scene())
