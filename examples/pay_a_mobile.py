"""Pay to a mobile number: register it as the payee's bank, ask as the payer's, confirm the name.

    python examples/pay_a_mobile.py 127.0.0.1:7420 payvand-data/certificates mellat IR… melli \\
        09121234567 "سارا احمدی"

The IBAN is an account of the first bank, at which the mobile number is registered; the second one
asks. What it prints is what a payer confirms; a payment then goes to that IBAN.
"""

import asyncio
import sys
from pathlib import Path

from payvand.client import Bank, CallFailed, DirectoryCopy
from payvand.v1.directory_service_pb2 import Alias, AliasKind, Payee, Registration


async def register(bank: Bank, alias: Alias, iban: str, name: str) -> None:
    """Register an alias for a customer's account; doing it again changes nothing."""
    for refusal in await bank.directory.register([Registration(alias=alias, iban=iban, name=name)]):
        raise SystemExit(f"{refusal.field} breaks {refusal.rule}: {refusal.hint}")


async def ask(bank: Bank, alias: Alias) -> Payee:
    """Ask who stands behind an alias, and wait where too much was asked."""
    while True:
        try:
            return (await bank.directory.look_up([alias])).payees[0]
        except CallFailed as failed:
            if failed.refusal.retry_after_ms is None:
                raise
            await asyncio.sleep(failed.refusal.retry_after_ms / 1_000)


async def differing(bank: Bank, alias: Alias, iban: str, name: str) -> int:
    """Count the aliases on which a copy with this one alone differs from the directory."""
    copy = DirectoryCopy()
    copy.put(alias.kind, alias.value, iban, name)
    return len(await bank.directory.differences(copy))


async def main(
    address: str, folder: Path, payee_bank: str, iban: str, payer_bank: str, mobile: str, name: str
) -> None:
    """Play both sides."""
    alias = Alias(kind=AliasKind.ALIAS_KIND_MOBILE, value=mobile)
    async with Bank.connect(address, folder / payee_bank) as bank:
        await register(bank, alias, iban, name)
        print(f"{await differing(bank, alias, iban, name)} aliases more in the directory")
    async with Bank.connect(address, folder / payer_bank) as bank:
        payee = await ask(bank, alias)
    print(f"{payee.masked_name} at {payee.bank}: {payee.iban}")


if __name__ == "__main__":
    address, folder, *rest = sys.argv[1:]
    asyncio.run(main(address, Path(folder), *rest))
