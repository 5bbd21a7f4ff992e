"""What people wrote is kept as they wrote it: identifiers and amounts alone are made alike.

Bytes that are signed, or hashed for what is signed, are the bytes that came in.
"""

import asyncio
from dataclasses import replace
from datetime import date
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from payvand.core.segments import read_frames
from payvand.settlement.inclusion import prove_payment
from payvand.switch.cli.submission import BATCH_PAYMENTS
from payvand.switch.day_key import day_key
from payvand.switch.files import Instruction, open_payment_file
from payvand.switch.identifiers import iban
from payvand.switch.identifiers.persian_text import normalise
from payvand.v1.payment_pb2 import PaymentState
from tests.support.town import open_town

SETTLED = PaymentState.PAYMENT_STATE_SETTLED
REFUSED = PaymentState.PAYMENT_STATE_REFUSED

NAME = "شركة  علي‌رضا مُؤمني ـــ ٣"
"""Arabic letters and digits, a mark, a stretched word, two spaces: all would be made alike."""
REMITTANCE = "بابت قبض ٤٥٦ كتاب"
assert normalise(NAME) != NAME
assert normalise(REMITTANCE) != REMITTANCE
IN_PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


def test_the_journal_and_the_signed_day_have_the_bytes_that_came_in(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> bytes:
        async with open_town(tmp_path, database) as town:
            payment = town.pay(
                "melli", "tax", 7, debtor_name=NAME, creditor_name=NAME, remittance=REMITTANCE
            )
            sent = payment.SerializeToString()
            reply = await town.bank("melli").submit([payment])
            assert list(reply.states) == [SETTLED]
            (step,) = await town.steps("tax", 1)
            (offered,) = step.offers
            assert offered.debtor_name == offered.creditor_name == NAME
            assert offered.remittance == REMITTANCE
            # Inside there is only ASCII: what has other digits is refused, never made alike.
            spoilt = town.pay("melli", "tax", 7, debtor_iban=payment.debtor_iban[:-1] + "۵")
            reply = await town.bank("melli").submit([spoilt])
            assert list(reply.states) == [REFUSED]
            assert reply.refusals[0].rule == "iban.characters"
            await town.operator.close_day(date(2026, 1, 1))
            return sent

    sent = asyncio.run(scene())
    payloads = [
        frame.payload(index)
        for frame in read_frames(tmp_path / "journal")
        if len(frame.payload_offsets)
        for index in range(len(frame.records))
    ]
    assert sent in payloads
    key = day_key(tmp_path).public_key().public_bytes_raw()
    proof = prove_payment(tmp_path / "journal", 1)
    assert [leaf.payload for leaf in proof.leaves] == [sent]
    assert not proof.check(key)
    # Whoever makes a signed text alike has another text, that nobody signed.
    (leaf,) = proof.leaves
    alike = sent.replace(REMITTANCE.encode(), normalise(REMITTANCE).encode())
    assert alike != sent
    assert replace(proof, leaves=(replace(leaf, payload=alike),)).check(key)


@given(
    name=st.text(st.sampled_from("علي كى ـ\u200c١٢ab"), min_size=1, max_size=30).filter(str.strip),
    account=st.integers(0, 10**18),
)
def test_a_file_gives_names_as_they_stand_and_stays_as_it_is(
    tmp_path_factory: object, name: str, account: int
) -> None:
    file = Path(tmp_path_factory.mktemp("file")) / "payments.csv"  # type: ignore[attr-defined]
    debtor, creditor = iban.make("017", str(account)), iban.make("012", str(account))
    written = debtor[:2] + debtor[2:].translate(IN_PERSIAN)
    content = (
        "debtor_iban,creditor_iban,amount,unit,end_to_end_id,debtor_name\n"
        f'{written},{creditor},{"1500".translate(IN_PERSIAN)},IRR,E1,"{name}"\n'
    ).encode()
    file.write_bytes(content)
    (batch,) = open_payment_file(file).batches(size=BATCH_PAYMENTS)
    (instruction,) = batch
    assert isinstance(instruction, Instruction)
    assert instruction.debtor_iban == debtor
    assert instruction.amount == 1500
    assert instruction.debtor_name == name.strip()
    assert file.read_bytes() == content
