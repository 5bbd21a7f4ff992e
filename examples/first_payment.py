"""A bank's first payment: submit it, and follow what becomes of it.

    python examples/first_payment.py 127.0.0.1:7420 payvand-data/certificates/melli \\
        IR… IR… 150000

The first IBAN is an account of the sending bank, the second one at another participant.
"""

import asyncio
import sys
from pathlib import Path

from payvand.client import FINAL_STATES, STATE_NAMES, Bank, new_payment_id, payment_id_text
from payvand.v1.payment_pb2 import Payment, PaymentKind


async def pay(address: str, certificates: Path, debtor: str, creditor: str, amount: int) -> str:
    """Send one payment and return the state in which it ends."""
    payment = Payment(
        id=new_payment_id(),  # Keep it: sending it again is always safe, and takes effect once.
        kind=PaymentKind.PAYMENT_KIND_CREDIT_TRANSFER,
        debtor_iban=debtor,
        creditor_iban=creditor,
        amount=amount,  # Minor units: rial have no smaller ones.
        unit="IRR",
        end_to_end_id="FIRST-1",
    )
    async with Bank.connect(address, certificates) as bank:
        reply = await bank.submit([payment])
        for refusal in reply.refusals:
            return f"refused: {refusal.field} breaks {refusal.rule} ({refusal.hint})"
        state = STATE_NAMES[reply.states[0]]
        print(f"{payment_id_text(payment.id)} is {state}, on stable storage")
        if state in FINAL_STATES:
            return state
        async for step in bank.follow():  # A real bank keeps step.cursor with its own books.
            for outcome in step.outcomes:
                if outcome.id == payment.id:
                    return " ".join((STATE_NAMES[outcome.state], outcome.reason_code)).strip()
    raise AssertionError("a stream ends only with the connection")


if __name__ == "__main__":
    address, certificates, debtor, creditor, amount = sys.argv[1:]
    print(asyncio.run(pay(address, Path(certificates), debtor, creditor, int(amount))))
