"""SIGKILL while aliases are registered, removed and ported: what was answered is there again."""

import asyncio
from pathlib import Path
from random import Random

from payvand.client import Bank, ClientFault, DirectoryCopy, Operator
from payvand.switch.certificates import issue
from payvand.switch.identifiers import iban
from payvand.switch.identity import Role
from payvand.switch.onboarding import SECOND_OPERATOR, issue_all
from payvand.v1.directory_service_pb2 import Alias, AliasKind, Registration
from tests.support.switch_process import SwitchProcess
from tests.support.town import CODES, bank_entry, issue_for

KILLS = 3
ALIASES = 400
BATCH_MAX = 60
NAME = "نام نمونه"
PATIENCE_S = 30.0


def mobile(number: int) -> Alias:
    return Alias(kind=AliasKind.ALIAS_KIND_MOBILE, value=f"0913{number:07}")


class Registering:
    """A bank that registers and removes at random, and remembers what it was answered."""

    def __init__(self, bank: Bank, random: Random) -> None:
        self.bank = bank
        self.random = random
        self.answered: dict[int, int] = {}
        """Account numbers of the aliases that stand, by the numbers of the aliases."""
        self.unsure: set[int] = set()
        """Aliases whose last change was not answered."""
        self.acts = 0

    async def run(self) -> None:
        while True:
            chosen = self.random.sample(range(ALIASES), self.random.randrange(1, BATCH_MAX))
            self.unsure = set(chosen)
            if self.random.randrange(4):
                wanted = {number: self.random.randrange(1, 1_000) for number in chosen}
                assert not await self.bank.directory.register(
                    [
                        Registration(
                            alias=mobile(number),
                            iban=iban.make(CODES["melli"], str(account)),
                            name=NAME,
                        )
                        for number, account in wanted.items()
                    ]
                )
                self.answered |= wanted
            else:
                there = [number for number in chosen if number in self.answered]
                assert not await self.bank.directory.remove(list(map(mobile, there)))
                for number in there:
                    del self.answered[number]
            self.unsure = set()
            self.acts += 1


def test_what_was_answered_outlives_a_kill(database: str, tmp_path: Path) -> None:
    async def scene() -> None:
        random = Random(1405)
        switch = SwitchProcess(tmp_path, database)
        folder = tmp_path / "certificates"
        issue_all(folder, [])
        await switch.start()
        operator = Operator.connect(
            switch.address, issue(folder, "operator", Role.OPERATOR), patience_s=PATIENCE_S
        )
        second = Operator.connect(switch.address, folder / SECOND_OPERATOR, patience_s=PATIENCE_S)
        entry = issue_for(folder, bank_entry("melli", CODES["melli"]))
        await second.approve((await operator.put_participants([entry])).proposal)
        await operator.close()
        await second.close()
        certificate = issue(folder, "melli", Role.BANK)
        bank = Bank.connect(switch.address, certificate, patience_s=0)
        registering = Registering(bank, random)
        for _ in range(KILLS):
            running = asyncio.create_task(registering.run())
            since = registering.acts
            while registering.acts < since + 3:
                await asyncio.sleep(0.02)
                assert not running.done(), running.exception()
            await asyncio.sleep(random.uniform(0, 0.1))
            await switch.kill()
            ended = (await asyncio.gather(running, return_exceptions=True))[0]
            assert isinstance(ended, ClientFault), ended
            await switch.start()
            await bank.close()
            bank = registering.bank = Bank.connect(
                switch.address, certificate, patience_s=PATIENCE_S
            )
            await agree(registering)
        await bank.close()
        await switch.stop()

    asyncio.run(scene())


async def agree(registering: Registering) -> None:
    """Hold the directory against what was answered; what was not may be either way."""
    copy = DirectoryCopy()
    for number, account in registering.answered.items():
        alias = mobile(number)
        copy.put(alias.kind, alias.value, iban.make(CODES["melli"], str(account)), NAME)
    found = await registering.bank.directory.differences(copy)
    differing = {one.number % 10**7 for one in found}
    assert differing <= registering.unsure
    # What was not answered is asked for, so that the next round knows where it stands.
    reply = await registering.bank.directory.look_up(list(map(mobile, range(ALIASES))))
    registering.answered = {
        number: int(payee.iban[7:]) for number, payee in enumerate(reply.payees) if payee.iban
    }
