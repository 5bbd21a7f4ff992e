"""Whatever a bank writes that the contract can carry is read back as it was, in both forms."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payvand.switch.files import Instruction, open_payment_file
from payvand.switch.identifiers import iban
from payvand.switch.units import AMOUNT_MAX
from tests.support.payment_files import DEBTOR, Batch, Order, csv_text, pain001_text

# What XML can carry, and what neither an office program nor indentation would have put there.
PRINTABLE = st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.just(" ")


def texts(length_max: int) -> st.SearchStrategy[str]:
    return st.text(PRINTABLE, max_size=length_max).map(str.strip)


IBANS = st.builds(
    iban.make,
    st.from_regex(r"[0-9]{3}", fullmatch=True),
    st.from_regex(r"[0-9]{1,19}", fullmatch=True),
)
ORDERS = st.builds(
    Order,
    end_to_end_id=texts(35),
    amount=st.integers(1, AMOUNT_MAX).map(str),
    creditor_iban=IBANS,
    creditor_name=texts(140),
    remittance=texts(140),
    reference=texts(35),
    purpose=st.sampled_from(["", "GOVT", "SALA"]),
)


def assert_read(path: Path, orders: list[Order]) -> None:
    results = list(open_payment_file(path).read())
    assert len(results) == len(orders)
    for result, order in zip(results, orders, strict=True):
        assert isinstance(result, Instruction), result
        assert result.debtor_iban == DEBTOR
        assert result.creditor_iban == order.creditor_iban
        assert result.amount == int(order.amount)
        assert result.end_to_end_id == order.end_to_end_id
        assert result.creditor_name == order.creditor_name
        assert result.remittance == order.remittance
        assert result.bill_reference == order.reference
        assert (result.kind == 2) == (order.purpose == "GOVT")
    assert len({result.id for result in results if isinstance(result, Instruction)}) == len(orders)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(ORDERS, min_size=1, max_size=4), min_size=1, max_size=3))
def test_what_is_written_as_pain001_is_read_back(
    tmp_path: Path, batches: list[list[Order]]
) -> None:
    path = tmp_path / "payments.xml"
    orders = [order for batch in batches for order in batch]
    total = sum(int(order.amount) for order in orders)
    path.write_text(
        pain001_text(
            *(
                Batch(batch, id=f"B{number}", number=str(len(batch)))
                for number, batch in enumerate(batches)
            ),
            control_sum=f"{total}.00",
        ),
        encoding="utf-8",
    )
    assert_read(path, orders)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=st.lists(ORDERS, min_size=1, max_size=6))
def test_what_is_written_as_csv_is_read_back(tmp_path: Path, orders: list[Order]) -> None:
    path = tmp_path / "payments.csv"
    rows = [
        {
            "end_to_end_id": order.end_to_end_id,
            "debtor_iban": DEBTOR,
            "creditor_iban": order.creditor_iban,
            "amount": order.amount,
            "unit": order.unit,
            "kind": "fee" if order.purpose == "GOVT" else "",
            "creditor_name": order.creditor_name,
            "remittance": order.remittance,
            "bill_reference": order.reference,
        }
        for order in orders
    ]
    path.write_text(csv_text(*rows), encoding="utf-8", newline="")
    assert_read(path, orders)
