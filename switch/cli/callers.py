"""As whom to send a file, where its sender doesn't say: the bank that holds the first debtor."""

from pathlib import Path

import click

from payvand.client import Operator
from payvand.switch.certificates import holders
from payvand.switch.cli.options import PATIENCE_S
from payvand.switch.files import Instruction, PaymentFile
from payvand.switch.identifiers import iban
from payvand.switch.identity import Role
from payvand.switch.onboarding import OPERATOR

__all__ = ["sender_of"]


async def sender_of(file: PaymentFile, *, address: str, certificates: Path) -> tuple[str, bool]:
    """Return the name of a bank to send *file* as, and whether the file says that it is its own.

    *certificates* is a folder of a development authority, with an operator's certificate. Where no
    debtor's account is at a bank of this switch it is the first bank there: it can do no harm,
    for a bank can debit only its own accounts.
    """
    banks = [name for name, role in holders(certificates).items() if role is Role.BANK]
    if not banks:
        raise click.UsageError(
            f"say whose file this is with --as or --certificates: {certificates} holds no bank's "
            "certificate"
        )
    for instruction in file.read():
        if isinstance(instruction, Instruction) and iban.is_valid(instruction.debtor_iban):
            code = iban.parse(instruction.debtor_iban).bank_code
            async with Operator.connect(
                address, certificates / OPERATOR, patience_s=PATIENCE_S
            ) as operator:
                for position in await operator.participants():
                    if code in position.participant.bank_codes and (
                        position.participant.name in banks
                    ):
                        return position.participant.name, True
            break
    return banks[0], False
