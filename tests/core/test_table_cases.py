"""Table-form cases: what the ledger answers, row by row, and that no answer is left untried.

The rows are the specification of the result codes in their order of precedence. Each file is
replayed against the compiled and the naive ledger; a mistake in a row would have to be made twice.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from payvand.core.statuses import AccountStatus, LimitStatus, QuotaStatus, TransferStatus
from tests.support.ledger_records import Books, CompiledLedger
from tests.support.reference_ledger import ReferenceLedger
from tests.support.table_cases import (
    ACCOUNT_FLAGS,
    TRANSFER_FLAGS,
    CaseError,
    Replay,
    Row,
    main,
    read_rows,
    replay,
)

CASES = sorted((Path(__file__).parent / "cases").glob("*.txt"))
LEDGERS: list[Callable[[], Books]] = [CompiledLedger, ReferenceLedger]


def _rows(kind: str) -> list[Row]:
    texts = [path.read_text(encoding="utf-8") for path in CASES]
    return [row for text in texts for row in read_rows(text) if row.words[0] == kind]


@pytest.mark.parametrize("ledger", LEDGERS)
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_reply_is_the_one_its_row_expects(path: Path, ledger: Callable[[], Books]) -> None:
    report = replay(path, ledger())
    assert report.replies > 0
    assert not report.differences


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [
        ("account", AccountStatus),
        ("transfer", TransferStatus),
        ("limit", LimitStatus),
        ("quota", QuotaStatus),
    ],
)
def test_every_result_code_has_a_row(
    kind: str, statuses: type[AccountStatus | TransferStatus | LimitStatus | QuotaStatus]
) -> None:
    expected = {row.words[-1] for row in _rows(kind)}
    untried = {"too_many", "reserved_field"} if statuses is QuotaStatus else set()
    assert {status.name.lower() for status in statuses} - untried == expected


@pytest.mark.parametrize(
    ("kind", "flags"), [("account", ACCOUNT_FLAGS), ("transfer", TRANSFER_FLAGS)]
)
def test_every_flag_has_a_row_that_takes_effect(kind: str, flags: dict[str, int]) -> None:
    used = {word for row in _rows(kind) if row.words[-1] == "created" for word in row.words}
    assert set(flags) <= used


def test_a_reply_other_than_expected_is_told_by_its_line() -> None:
    text = "account A1 0 0 0 0 _ _ _ _ L1 C1 _ _ _ _ _ _ _ _ exists\ncommit create_accounts"
    report = Replay(CompiledLedger()).run(read_rows(text))
    assert [(each.line, each.expected, each.got) for each in report.differences] == [
        (1, "exists", "created")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "account A1 0 0 0 0\ncommit create_accounts",
        "account A1 0 0 0 0 _ _ _ _ L1 C1 _ _ _ _ _ _ _ _ created",
        "account A1 0 0 0 0 _ _ _ _ L1 C1 ODD _ _ _ _ _ _ _ created\ncommit create_accounts",
        "account A1 0 0 0 0 _ _ _ _ L1 CC _ _ _ _ _ _ _ _ created\ncommit create_accounts",
        "commit destroy_accounts",
        "lookup_transfer T1 colour 3\ncommit lookup_transfers",
    ],
)
def test_a_row_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(CaseError, match=r"^line \d+: "):
        Replay(CompiledLedger()).run(read_rows(text))


def test_the_command_tells_by_its_exit_code_whether_all_agreed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = CASES[0], tmp_path / "bad.txt"
    bad.write_text("lookup_account A1 0 0 0 0 _\ncommit lookup_accounts\n", encoding="utf-8")
    assert main([str(good)]) == 0
    assert "differs" not in capsys.readouterr().out
    assert main([str(good), str(bad)]) == 1
    assert "line 1:" in capsys.readouterr().out
    bad.write_text("commit destroy_accounts\n", encoding="utf-8")
    assert main([str(bad)]) == 2
    assert "bad.txt: line 1:" in capsys.readouterr().err
    assert main([]) == 1
