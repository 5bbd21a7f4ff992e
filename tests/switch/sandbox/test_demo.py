"""A demo's day as a newcomer plays it: real processes, real files, interrupted, proved, damaged."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from payvand.core.records import Operation, u128_of
from payvand.core.segments import SEGMENT_HEADER_BYTES, read_frames
from payvand.core.statuses import TransferStatus
from payvand.switch.sandbox.accounts import account_iban

PAYVAND = str(Path(sys.executable).parent / "payvand")
PAYMENTS = 1_200
INTERRUPTIONS = 3
S_MAX = 90.0

PROOFS = {
    "bank_books_equal_ledger",
    "bank_books_equal_statements",
    "bank_books_equal_window",
    "journal_intact",
    "replay_equals_journal",
    "snapshots_equal_journal",
    "books_balance",
    "limits_hold",
    "windows_net_to_zero",
    "windows_equal_recount",
    "days_equal_their_roots",
    "projection_has_no_gap",
    "database_equals_ledger",
    "database_equals_windows",
    "database_equals_acts",
    "statements_equal_ledger",
    "bank_books_equal_database",
    "each_payment_ends_once",
}


def demo_command(data: Path) -> list[str]:
    options = ["--payments", str(PAYMENTS), "--acceptance-deadline", "2", "--json"]
    return [PAYVAND, "demo", "--data", str(data), *options]


@contextmanager
def demo(data: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        demo_command(data), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        yield process
        if process.poll() is None:
            process.kill()


def played(data: Path) -> dict[str, Any]:
    with demo(data) as process:
        out, err = process.communicate(timeout=S_MAX)
    assert process.returncode == 0, err.decode()
    result: dict[str, Any] = json.loads(out)
    return result


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PAYVAND, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=S_MAX
    )


def children_of(data: Path) -> list[int]:
    """Return the processes that were started on a data folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(str(data).encode() in word for word in words):
            found.append(int(entry.name))
    return found


def await_end(data: Path) -> Sequence[int]:
    deadline = time.monotonic() + S_MAX
    while (left := children_of(data)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def test_a_day_is_played_proved_and_verified_and_a_flipped_byte_is_named(data: Path) -> None:
    result = played(data)
    states = result["payments"]
    assert set(result["proofs"]) == PROOFS
    assert all(result["proofs"].values())
    assert set(states) == {"settled", "rejected", "declined", "expired", "refused"}
    assert sum(states.values()) >= PAYMENTS
    assert result["measured"]["sent_again"] > 0
    assert result["payments_per_second"] > 0
    nets = [int(position["net"]) for position in result["window"]["positions"]]
    assert sum(nets) == 0 and any(nets)
    assert len(list((data / "days" / "0001" / "statements").glob("*.csv"))) == len(nets)
    assert await_end(data) == []

    proved = run("verify", "--data", data, "--json")
    assert proved.returncode == 0, proved.stdout + proved.stderr
    assert json.loads(proved.stdout)["holds"]

    prove_a_payment(data)

    segment = min((data / "journal").glob("segment-*.journal"))
    flip(segment, SEGMENT_HEADER_BYTES + 4096)
    refuted = run("verify", "--data", data, "--json")
    assert refuted.returncode == 1, refuted.stdout + refuted.stderr
    detail = json.loads(refuted.stdout)["details"]["journal_intact"]
    assert segment.name in detail and "frame " in detail and "bytes " in detail


def prove_a_payment(data: Path) -> None:
    """Prove the journal's first payment, and check the proof with the public key alone."""
    payment = next(
        transfer
        for frame in read_frames(data / "journal")
        if frame.operation == Operation.CREATE_TRANSFERS
        for transfer, status in zip(frame.records, frame.statuses, strict=True)
        if transfer["code"] == 1 and status == TransferStatus.CREATED
    )
    printed = run("prove", f"{u128_of(payment['id']):032x}", "--data", data)
    assert printed.returncode == 0, printed.stderr
    proof = data / "proof.json"
    proof.write_text(printed.stdout, encoding="ascii")
    key = data / "keys" / "day.pub.pem"
    checked = run("check-proof", proof, "--key", key)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "business day 1 of" in checked.stdout
    shown = json.loads(run("keys", "--data", data, "--json").stdout)
    assert run("check-proof", proof, "--key", shown["public_key"]).returncode == 0
    flip(proof, len(printed.stdout) // 2)
    refuted = run("check-proof", proof, "--key", key)
    assert refuted.returncode == 1 and "doesn't hold" in refuted.stdout
    assert run("prove", f"{1:032x}", "--data", data).returncode == 1


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes((byte[0] ^ 0x40,)))


def test_an_interrupted_day_is_carried_on_and_then_the_next_is_played(data: Path) -> None:
    random = Random(os.environ.get("PAYVAND_SEED", "interrupted"))
    for _ in range(INTERRUPTIONS):
        with demo(data) as process:
            try:
                process.communicate(timeout=random.uniform(1.0, 9.0))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
                process.communicate(timeout=S_MAX)
        assert process.returncode in (0, 130)
        assert await_end(data) == [], "nothing is left behind"
    result = played(data)
    assert all(result["proofs"].values()), result["details"]
    following = played(data)
    assert following["day"] == result["day"] + 1
    assert all(following["proofs"].values()), following["details"]
    assert following["payments"]["refused"] == result["payments"]["refused"]


def test_a_demo_that_stays_answers_what_is_sent_by_hand(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "by-hand.csv"
    debtor = account_iban("017", 5)
    good, closed = account_iban("012", 7), account_iban("012", 7, 904)
    file.write_text(
        "end_to_end_id,debtor_iban,creditor_iban,amount,unit\n"
        f"H-1,{debtor},{good},5000,IRR\nH-2,{debtor},{closed},6000,IRR\n"
    )
    command = [*demo_command(data), "--stay", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        while b"everybody is there" not in (line := process.stderr.readline()):
            assert line, "the demo ended"
        sent = run("submit", "--data", data, file, "--wait", "--json")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=S_MAX)
    assert process.returncode == 0
    assert await_end(data) == []
    answer = json.loads(sent.stdout)
    assert {state: one["count"] for state, one in answer["payments"].items() if one["count"]} == {
        "settled": 1,
        "rejected": 1,
    }
    assert [problem["rule"] for problem in answer["problems"]] == ["AC04"]
    following = played(data)
    assert all(following["proofs"].values()), following["details"]


def test_nothing_outlives_a_killed_demo(data: Path) -> None:
    with demo(data) as process:
        deadline = time.monotonic() + S_MAX
        while len(children_of(data)) < 5 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.kill()
        process.wait()
        assert await_end(data) == []
