"""What is read from a pain.001 file, and where an instruction that cannot be read is at fault."""

from pathlib import Path

import pytest

from payvand.switch.files import Instruction, LineError, open_payment_file, to_payment
from payvand.switch.identifiers import iban
from payvand.v1.payment_pb2 import PaymentKind
from tests.support.payment_files import (
    CREDITOR,
    DEBTOR,
    Batch,
    Order,
    pain001_text,
)

FEE = PaymentKind.PAYMENT_KIND_FEE
TRANSFER = PaymentKind.PAYMENT_KIND_CREDIT_TRANSFER


def read(tmp_path: Path, content: str | bytes) -> list[Instruction | LineError]:
    path = tmp_path / "payments.xml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(open_payment_file(path).read())


def only(results: list[Instruction | LineError]) -> Instruction:
    (result,) = results
    assert isinstance(result, Instruction), result
    return result


def fault(results: list[Instruction | LineError]) -> LineError:
    (result,) = results
    assert isinstance(result, LineError), result
    return result


def test_every_field_of_the_contract_is_read(tmp_path: Path) -> None:
    order = Order(
        end_to_end_id="INV-1",
        amount="1500.00",
        creditor_name="شرکت نمونه",
        remittance="Invoice 1 & 2",
        reference="1234567890",
        purpose="TAXS",
    )
    instruction = only(read(tmp_path, pain001_text(Batch([order]))))
    assert instruction == Instruction(
        id=instruction.id,
        kind=FEE,
        debtor_iban=DEBTOR,
        creditor_iban=CREDITOR,
        amount=1500,
        unit="IRR",
        end_to_end_id="INV-1",
        debtor_name="Payer",
        creditor_name="شرکت نمونه",
        remittance="Invoice 1 & 2",
        bill_reference="1234567890",
        line=5,
        position=1,
    )
    payment = to_payment(instruction)
    of_returns = {"original_id", "reason_code"}
    for name in set(payment.DESCRIPTOR.fields_by_name) - of_returns:
        assert getattr(payment, name) == getattr(instruction, name)


@pytest.mark.parametrize("version", range(2, 13))
def test_every_version_from_02_to_12_gives_the_same_instructions(
    tmp_path: Path, version: int
) -> None:
    batches = Batch([Order(reference="77", purpose="TAXS"), Order("E2", amount="2000")])
    ninth = read(tmp_path, pain001_text(batches, version=9))
    assert all(isinstance(result, Instruction) for result in ninth)
    assert read(tmp_path, pain001_text(batches, version=version)) == ninth


@pytest.mark.parametrize(
    "namespace",
    [
        "urn:iso:std:iso:20022:tech:xsd:pain.001.003.03",
        "http://www.six-interbank-clearing.com/de/pain.001.001.03.ch.02.xsd",
        "urn:swift:xsd:$pain.001.001.03",
        "urn:sepade:xsd:pain.001.001.03",
    ],
)
def test_the_namespaces_of_national_bodies_are_read(tmp_path: Path, namespace: str) -> None:
    text = pain001_text(Batch(), version=3, namespace=namespace)
    assert only(read(tmp_path, text)).amount == 1000


def test_prefixes_comments_and_character_data_make_no_difference(tmp_path: Path) -> None:
    plain = pain001_text(Batch([Order(remittance="a <b>")]))
    expected = read(tmp_path, plain)
    prefixed = (
        plain.replace("<", "<p:")
        .replace("<p:/", "</p:")
        .replace("<p:?", "<?")
        .replace("xmlns=", "xmlns:p=")
    )
    assert read(tmp_path, prefixed) == expected
    commented = (
        plain.replace("<Nm>Payee", "<!-- the payee --><Nm>Pa<!-- cut -->yee")
        .replace("<Amt>", "<?print this?><Amt>")
        .replace("a &lt;b&gt;", "<![CDATA[a <b>]]>")
        .replace("<GrpHdr>", "<!-- <GrpHdr/> --><GrpHdr>")
    )
    assert read(tmp_path, commented) == expected


def test_indentation_and_windows_line_ends_make_no_difference(tmp_path: Path) -> None:
    plain = pain001_text(Batch([Order(remittance="a b")]))
    spread = plain.replace("><", ">\n\t<").replace("a b", "a\r\n\t b")
    spread = spread.replace(f"<IBAN>{DEBTOR}<", f"<IBAN>\r\n  {DEBTOR}  <")
    instruction, expected = only(read(tmp_path, spread)), only(read(tmp_path, plain))
    assert instruction.id == expected.id
    assert instruction.remittance == "a b"
    assert instruction.debtor_iban == DEBTOR


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "windows-1256", "iso-8859-6"])
def test_an_encoding_that_the_file_declares_is_read(tmp_path: Path, encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    text = pain001_text(
        Batch([Order(creditor_name="علي")]),
        declaration=f'<?xml version="1.0" encoding="{declared}"?>\n',
    )
    assert only(read(tmp_path, text.encode(encoding))).creditor_name == "علي"


def test_a_printed_iban_and_persian_digits_are_read(tmp_path: Path) -> None:
    persian = CREDITOR.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
    printed = " ".join(persian[start : start + 4] for start in range(0, 26, 4))
    text = pain001_text(Batch([Order(creditor_iban=printed, amount="۲۵۰۰")]), control_sum="2500")
    instruction = only(read(tmp_path, text))
    assert (instruction.creditor_iban, instruction.amount) == (CREDITOR, 2500)


@pytest.mark.parametrize(
    "account",
    [
        f"<Othr><Id>{CREDITOR}</Id></Othr>",
        f"<PrtryAcct><Id>{CREDITOR}</Id></PrtryAcct>",
        f"<BBAN>{CREDITOR}</BBAN>",
    ],
)
def test_an_iban_among_the_other_identifications_is_taken(tmp_path: Path, account: str) -> None:
    assert only(read(tmp_path, pain001_text(Batch([Order(account=account)])))).creditor_iban == (
        CREDITOR
    )


def test_what_is_not_said_by_the_contract_is_passed_over(tmp_path: Path) -> None:
    text = pain001_text(Batch([Order()]))
    agent = "<CdtrAgt><FinInstnId><BICFI>BKMTIRTH</BICFI></FinInstnId></CdtrAgt>"
    extra = (
        "<InstrForCdtrAgt><Cd>PHOB</Cd></InstrForCdtrAgt><RgltryRptg><Dtls>"
        '<Amt Ccy="USD">5</Amt></Dtls></RgltryRptg><SplmtryData><Envlp><x:Amt xmlns:x="u">'
        "<x:InstdAmt>9</x:InstdAmt></x:Amt></Envlp></SplmtryData></CdtTrfTxInf>"
    )
    rich = text.replace("<Cdtr>", agent + "<Cdtr>").replace("</CdtTrfTxInf>", extra)
    assert read(tmp_path, rich) == read(tmp_path, text)


@pytest.mark.parametrize(
    ("order", "path", "rule"),
    [
        (Order(amount="15.5"), "Amt/InstdAmt", "amount.fraction"),
        (Order(amount="0"), "Amt/InstdAmt", "amount.zero"),
        (Order(amount="-5"), "Amt/InstdAmt", "amount.negative"),
        (Order(amount=""), "Amt/InstdAmt", "amount.missing"),
        (Order(amount="1,000"), "Amt/InstdAmt", "amount.characters"),
        (Order(amount="1e3"), "Amt/InstdAmt", "amount.exponent"),
        (Order(amount="18446744073709551616"), "Amt/InstdAmt", "amount.overflow"),
        (Order(unit="EUR"), "Amt/InstdAmt/@Ccy", "unit.unknown"),
        (Order(amount_element="<InstdAmt>5</InstdAmt>"), "Amt/InstdAmt/@Ccy", "unit.unknown"),
        (
            Order(
                amount_element='<EqvtAmt><Amt Ccy="IRR">5</Amt><CcyOfTrf>USD</CcyOfTrf></EqvtAmt>'
            ),
            "Amt/EqvtAmt",
            "amount.equivalent",
        ),
        (Order(creditor_iban=""), "CdtrAcct/Id/IBAN", "iban.missing"),
        (Order(account=""), "CdtrAcct/Id/IBAN", "iban.missing"),
        (Order(creditor_iban="IR" + "1" * 40), "CdtrAcct/Id/IBAN", "iban.length"),
        (
            Order(account="<Othr><Id>0123456789</Id></Othr>"),
            "CdtrAcct/Id",
            "account.not_iban",
        ),
        (Order(creditor_name="n" * 141), "Cdtr/Nm", "creditor_name.length"),
        (Order(end_to_end_id="e" * 36), "PmtId/EndToEndId", "end_to_end_id.length"),
        (Order(remittance="r" * 141), "RmtInf/Ustrd", "remittance.length"),
        (Order(reference="b" * 36), "RmtInf/Strd/CdtrRefInf/Ref", "bill_reference.length"),
    ],
)
def test_an_unreadable_instruction_names_its_field_rule_and_line_and_harms_no_other(
    tmp_path: Path, order: Order, path: str, rule: str
) -> None:
    batches = Batch(), Batch([Order("E2"), order, Order("E4")], id="B2")
    results = read(tmp_path, pain001_text(*batches))
    assert [type(result) for result in results] == [
        Instruction,
        Instruction,
        LineError,
        Instruction,
    ]
    error = results[2]
    assert isinstance(error, LineError)
    assert (error.rule, error.line, error.position) == (rule, 9, 3)
    assert error.path == f"CstmrCdtTrfInitn/PmtInf[2]/CdtTrfTxInf[2]/{path}"
    assert error.end_to_end_id == order.end_to_end_id[:35]
    assert error.hint
    # And those that follow are what they would be in a file without a fault.
    sound = read(
        tmp_path, pain001_text(batches[0], Batch([Order("E2"), Order("E3"), Order("E4")], "B2"))
    )
    assert [results[0], results[1], results[3]] == [sound[0], sound[1], sound[3]]


@pytest.mark.parametrize(
    ("batch", "path", "rule"),
    [
        (Batch(method="CHK"), "PmtMtd", "payment_method"),
        (Batch(account="<Othr><Id>12</Id></Othr>"), "DbtrAcct/Id", "account.not_iban"),
        (Batch(account=""), "DbtrAcct/Id/IBAN", "iban.missing"),
    ],
)
def test_a_fault_of_a_batch_refuses_its_instructions_and_no_others(
    tmp_path: Path, batch: Batch, path: str, rule: str
) -> None:
    batch.orders = [Order("E2"), Order("E3")]
    results = read(tmp_path, pain001_text(Batch(), batch, Batch()))
    assert isinstance(results[0], Instruction)
    assert isinstance(results[3], Instruction)
    for error in results[1:3]:
        assert isinstance(error, LineError)
        assert (error.path, error.rule) == (f"CstmrCdtTrfInitn/PmtInf[2]/{path}", rule)


def test_two_references_in_one_instruction_are_refused(tmp_path: Path) -> None:
    text = pain001_text(Batch([Order(reference="1")]))
    strd = text[text.index("<Strd>") : text.index("</RmtInf>")]
    error = fault(read(tmp_path, text.replace(strd, strd + strd)))
    assert error.rule == "bill_reference.several"


def test_the_purpose_of_a_batch_holds_where_an_instruction_has_none(tmp_path: Path) -> None:
    orders = [Order(), Order(purpose="SALA"), Order(purpose="GOVT")]
    results = read(tmp_path, pain001_text(Batch(orders, purpose="TAXS")))
    kinds = [result.kind for result in results if isinstance(result, Instruction)]
    assert kinds == [FEE, TRANSFER, FEE]


def test_a_file_sent_again_has_the_same_ids_and_ids_within_it_differ(tmp_path: Path) -> None:
    batches = Batch([Order(), Order()]), Batch([Order(), Order()])
    declaration = '<?xml version="1.0" encoding="UTF-16"?>\n'
    first = read(tmp_path, pain001_text(*batches))
    again = read(tmp_path, pain001_text(*batches, declaration=declaration).encode("utf-16"))
    assert again == first
    ids = {result.id for result in first if isinstance(result, Instruction)}
    assert len(ids) == 4
    assert all(id[0] < 0x80 and len(id) == 16 for id in ids)


@pytest.mark.parametrize(
    "change",
    [
        dict(message_id="M2"),
        dict(initiating_party="<Nm>Other</Nm>"),
        dict(initiating_party="<Nm>Sender</Nm><Id><OrgId><AnyBIC>X</AnyBIC></OrgId></Id>"),
    ],
)
def test_another_message_or_sender_has_other_ids(tmp_path: Path, change: dict[str, str]) -> None:
    one = only(read(tmp_path, pain001_text(Batch())))
    other = only(read(tmp_path, pain001_text(Batch(), **change)))  # type: ignore[arg-type]
    assert one.id != other.id


def test_amount_and_creditor_do_not_enter_the_id(tmp_path: Path) -> None:
    one = only(read(tmp_path, pain001_text(Batch())))
    order = Order(amount="999", creditor_iban=iban.make("015", "1"))
    assert only(read(tmp_path, pain001_text(Batch([order])))).id == one.id


def test_lines_are_counted_beyond_sixteen_bits(tmp_path: Path) -> None:
    text = pain001_text(Batch([Order(amount="x")])).replace(
        "<CdtTrfTxInf>", "\n" * 70_000 + "<CdtTrfTxInf>"
    )
    assert fault(read(tmp_path, text)).line == 70_005
