"""A file's form is told by its content, and it is inspected before anything is given out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from payvand.switch.files import (
    BATCH_SIZE_MAX,
    FILE_BYTES_MAX,
    FileError,
    PaymentFile,
    open_payment_file,
)
from tests.support.payment_files import CREDITOR, DEBTOR, Batch, Order, csv_text, pain001_text

XML = pain001_text(Batch([Order(f"E{number}") for number in range(10)]))
ROW = {
    "end_to_end_id": "E1",
    "debtor_iban": DEBTOR,
    "creditor_iban": CREDITOR,
    "amount": "1000",
    "unit": "IRR",
}
CSV = csv_text(*[ROW] * 10)


def write(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "payments"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (XML, "pain.001"),
        ("\ufeff" + XML, "pain.001"),
        (XML.replace("UTF-8", "UTF-16").encode("utf-16"), "pain.001"),
        (XML.removeprefix('<?xml version="1.0" encoding="UTF-8"?>'), "pain.001"),
        (CSV, "csv"),
        ("\ufeff" + CSV, "csv"),
        (CSV.replace("\n", "\r\n"), "csv"),
    ],
)
def test_the_form_is_told_by_the_content(tmp_path: Path, content: str | bytes, form: str) -> None:
    file = open_payment_file(write(tmp_path, content))
    assert file.form == form
    assert file.inspect().instructions == 10


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "file.empty"),
        (b" \r\n\t", "file.empty"),
        (b"\xef\xbb\xbf", "file.form"),
        (b"PK\x03\x04", "file.form"),
        (b"%PDF-1.7", "file.form"),
        (b"\x1f\x8b\x08", "file.form"),
        (b"date,amount\n", "file.form"),
        (b"{}", "file.form"),
        (b":20:MT101\r\n", "file.form"),
        (b"\0" * 5000, "file.form"),
    ],
)
def test_what_is_neither_form_is_refused(tmp_path: Path, content: bytes, rule: str) -> None:
    with pytest.raises(FileError) as refused:
        open_payment_file(write(tmp_path, content))
    assert refused.value.rule == rule


def test_a_file_beyond_the_bound_is_refused_unread(tmp_path: Path) -> None:
    path = write(tmp_path, XML)
    os.truncate(path, FILE_BYTES_MAX + 1)  # a sparse file, which takes no room
    with pytest.raises(FileError) as refused:
        open_payment_file(path)
    assert refused.value.rule == "file.size"


def test_a_file_that_is_not_there_is_a_fault_of_operation(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_payment_file(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError):
        open_payment_file(tmp_path)


def test_batches_hold_the_instructions_in_their_order(tmp_path: Path) -> None:
    file = open_payment_file(write(tmp_path, XML))
    batches = list(file.batches(size=4))
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert [result for batch in batches for result in batch] == list(file.read())


@pytest.mark.parametrize("size", [0, -1, BATCH_SIZE_MAX + 1])
def test_a_batch_that_no_request_carries_is_not_made(tmp_path: Path, size: int) -> None:
    with pytest.raises(ValueError, match="size"):
        next(open_payment_file(write(tmp_path, XML)).batches(size=size))


@pytest.mark.parametrize("content", [XML, CSV])
def test_a_file_that_changes_is_inspected_anew(tmp_path: Path, content: str) -> None:
    path = write(tmp_path, content)
    file = open_payment_file(path)
    assert file.inspect().instructions == 10
    write(tmp_path, content.replace("E1", "E one"))
    os.utime(path, ns=(1, 1))
    assert "E one" in {result.end_to_end_id for result in file.read()}


def test_a_file_that_changes_between_inspection_and_reading_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, XML)
    file = open_payment_file(path)
    inspect = PaymentFile.inspect

    def inspect_then_change(self: PaymentFile) -> object:
        summary = inspect(self)
        os.utime(path, ns=(1, 1))  # as an editor would, right after the inspection
        return summary

    monkeypatch.setattr(PaymentFile, "inspect", inspect_then_change)
    with pytest.raises(FileError) as refused:
        next(file.read())
    assert refused.value.rule == "file.changed"


MEASURE = """
import re, sys
from pathlib import Path
from payvand.switch.files import open_payment_file

def peak_kib():
    # Of this program alone: getrusage would give the greater peak of the one that started it.
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

for name in sys.argv[1:]:
    print(sum(1 for _ in open_payment_file(name).read()), peak_kib())
"""


@pytest.mark.parametrize("form", ["pain.001", "csv"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, form: str) -> None:
    """A file of 2 MB and one of 20 MB peak within 2 MB of each other."""
    paths = []
    for number in (5_000, 50_000):
        orders = [Order(f"E{order}", remittance="r" * 100) for order in range(number)]
        if form == "csv":
            text = csv_text(*[{**ROW, "end_to_end_id": order.end_to_end_id} for order in orders])
        else:
            text = pain001_text(Batch(orders))
        paths.append(tmp_path / f"{number}")
        paths[-1].write_text(text)
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
    )
    (few, small_kib), (many, great_kib) = (
        map(int, line.split()) for line in run.stdout.splitlines()
    )
    assert (few, many) == (5_000, 50_000)
    assert great_kib - small_kib < 2048
