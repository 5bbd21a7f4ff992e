"""`payvand bench switch`: real processes, real gRPC, and books that prove afterwards."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from payvand.bench.answerer import answers_to
from payvand.bench.cli import bench
from payvand.bench.fast_channel import CallEnded, FastChannel
from payvand.bench.generator import Clock
from payvand.bench.processes import Part
from payvand.bench.steps import offered_ids, outcomes_of
from payvand.bench.wire import number_of, templates
from payvand.client import PACKED_PAYMENT
from payvand.switch.certificates import issue
from payvand.switch.identity import Role
from payvand.v1.payment_pb2 import PaymentState
from payvand.v1.payment_service_pb2 import (
    AnswerRequest,
    FollowResponse,
    Outcome,
    PaymentAnswer,
    SubmitStreamRequest,
)


@pytest.mark.parametrize(("name", "tls"), [("unary", "on"), ("three_leg", "off")])
def test_every_payment_of_a_run_settles_and_the_books_prove(
    name: str, tls: str, tmp_path: Path
) -> None:
    options = ["--json", "--quick", "--only", name, "--tls", tls, "--folder", str(tmp_path)]
    done = CliRunner().invoke(bench, ["switch", *options])
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    (result,) = report["results"]
    assert result["name"] == name
    assert result["detail"]["mutual_tls"] is (tls == "on")
    assert result["reference"].startswith("bare grpc.aio")
    assert 0 < result["detail"]["generators_cpu_share"] < 1
    assert result["detail"]["at_half_load"]["latency_ms"]["p99"] > 0
    assert report["proofs"][f"{name}: every payment settled"]
    assert report["proofs"][f"{name}: journal_intact"]
    assert not list(tmp_path.iterdir())


def test_banks_that_stand_still_are_measured_beside_the_others(tmp_path: Path) -> None:
    options = ["--json", "--quick", "--only", "many_banks", "--tls", "off"]
    done = CliRunner().invoke(bench, ["switch", *options, "--folder", str(tmp_path)])
    assert done.exit_code == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["detail"]["banks"] == 10 * result["detail"]["standing_still"]
    assert all(result["detail"]["outcomes"])
    assert result["value"] > 0


def test_a_template_is_sent_again_under_new_ids_and_is_the_same_otherwise() -> None:
    template = templates(3, run=7, lane=2, debtor_code="012", creditor_code="017", count=1)[0]
    first = SubmitStreamRequest.FromString(template.wire(100)).payments
    second = SubmitStreamRequest.FromString(template.wire(200)).payments
    assert [number_of(payment.id) for payment in first] == [100, 101, 102]
    assert [number_of(payment.id) for payment in second] == [200, 201, 202]
    for one, other in zip(first, second, strict=True):
        assert len(one.id) == 16 and one.id[0] < 0x80
        one.ClearField("id")
        other.ClearField("id")
        assert one == other
    assert sum(payment.amount for payment in first) == template.amount


def test_an_answer_in_bytes_is_the_message_of_the_contract() -> None:
    ids = [bytes([n]) * 16 for n in (1, 2, 3)]
    expected = AnswerRequest(answers=[PaymentAnswer(id=each, accept=True) for each in ids])
    rows = np.frombuffer(b"".join(ids), np.uint8).reshape(3, 16)
    assert answers_to(rows) == expected.SerializeToString()


def test_a_packed_template_says_what_the_messages_say() -> None:
    codes = {"debtor_code": "012", "creditor_code": "017"}
    plain = templates(3, run=7, lane=2, count=1, **codes)[0]
    packed = templates(3, run=7, lane=2, count=1, packed=True, **codes)[0]
    messages = SubmitStreamRequest.FromString(plain.wire(100)).payments
    records = np.frombuffer(SubmitStreamRequest.FromString(packed.wire(100)).packed, PACKED_PAYMENT)
    assert packed.amount == plain.amount
    for message, record in zip(messages, records, strict=True):
        assert record["id"].tobytes() == message.id
        assert record["debtor_iban"].decode() == message.debtor_iban
        assert record["creditor_iban"].decode() == message.creditor_iban
        assert (record["amount"], record["kind"]) == (message.amount, message.kind)


SETTLED = PaymentState.PAYMENT_STATE_SETTLED
REJECTED = PaymentState.PAYMENT_STATE_REJECTED


@pytest.mark.parametrize("states", [[SETTLED] * 3, [SETTLED, REJECTED], []])
@pytest.mark.parametrize("offered", [0, 1, 5])
def test_steps_read_as_arrays_are_steps_read_by_the_library(
    states: list[PaymentState], offered: int
) -> None:
    request = templates(5, run=7, lane=2, debtor_code="012", creditor_code="017", count=1)[0]
    offers = SubmitStreamRequest.FromString(request.wire(300)).payments[:offered]
    outcomes = [
        Outcome(
            id=(7).to_bytes(6) + b"\x70\x02" + (300 + index).to_bytes(8),
            state=state,
            reason_code="AC04" if state == REJECTED else "",
            timestamp=1_790_000_000_000_000_000 + index,
        )
        for index, state in enumerate(states)
    ]
    step = FollowResponse(cursor=12_345, offers=offers, outcomes=outcomes).SerializeToString()
    assert [each.tobytes() for each in offered_ids(step)] == [one.id for one in offers]
    cursor, told = outcomes_of(step)
    assert cursor == 12_345
    assert told["run"].tolist() == [7] * len(states)
    assert told["number"].tolist() == [300 + index for index in range(len(states))]
    assert told["state"].tolist() == states


def test_latency_counts_from_when_a_message_was_due() -> None:
    clock = Clock(rate=10.0, lanes=2)
    clock.begin()
    first = clock.due(0, 0)
    assert [clock.due(1, 0) - first, clock.due(0, 1) - first] == [100_000_000, 200_000_000]
    clock.record(first - 5_000_000_000)
    clock.record(first - 7_000_000_000, 99)
    told = clock.percentiles()
    assert told["p50"] >= 7_000_000 and told["max"] < 8_000_000


def test_a_single_payment_is_sent_again_under_new_ids_as_in_a_batch() -> None:
    made = {"run": 7, "lane": 2, "debtor_code": "012", "creditor_code": "017", "count": 1}
    for packed in (False, True):
        one = templates(1, packed=packed, **made)[0]
        first, second = (SubmitStreamRequest.FromString(one.wire(number)) for number in (9, 10))
        assert len(first.packed) == (96 if packed else 0)
        texts = [each.packed[:16] if packed else each.payments[0].id for each in (first, second)]
        assert [number_of(text) for text in texts] == [9, 10]


async def _call(address: str, certificates: Path) -> None:
    """Hold the fast client against a plain server of grpc.aio."""
    channel = await FastChannel.connect(address, certificates)
    taken: list[bytes] = []
    ended: asyncio.Queue[Exception | None] = asyncio.Queue()
    path = "/payvand.v1.PaymentService/"
    for message in (b"", b"one", b"\1" * 4_000):
        channel.call(path + "Submit", message, taken.append, ended.put_nowait)
        assert await ended.get() is None
        assert taken.pop() == message
    stream = channel.open(path + "SubmitStream", taken.append, ended.put_nowait)
    sent = [bytes([number % 256]) * (number * 7 % 3_000) for number in range(2_000)]
    for message in sent:
        stream.send(message)
    stream.send(b"\2" * 9_000_000)
    stream.end()
    assert await ended.get() is None
    assert taken == [*sent, b"\2" * 16]
    channel.call("/payvand.v1.PaymentService/Nothing", b"", taken.append, ended.put_nowait)
    with pytest.raises(CallEnded, match="12"):
        raise await ended.get() or AssertionError
    stream = channel.open(path + "SubmitStream", taken.append, ended.put_nowait)
    stream.cancel()
    assert isinstance(await ended.get(), CallEnded)
    channel.open(path + "SubmitStream", taken.append, ended.put_nowait)
    channel.close()
    assert isinstance(await ended.get(), CallEnded)


def test_the_fast_client_speaks_as_a_plain_server_understands(tmp_path: Path) -> None:
    async def run() -> None:
        certificates = issue(tmp_path, "switch", Role.SWITCH)
        bank = issue(tmp_path, "bank", Role.BANK)
        echo = await Part.start("bench.echo", str(certificates), log=tmp_path / "log")
        try:
            await _call(json.loads(await echo.line())[0], bank)
        finally:
            await echo.stop()

    asyncio.run(run())
