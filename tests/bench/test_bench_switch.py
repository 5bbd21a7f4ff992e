"""`payvand bench switch`: real processes, real gRPC, and books that prove afterwards."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from payvand.bench.answerer import answers_to
from payvand.bench.cli import bench
from payvand.bench.generator import Clock
from payvand.bench.wire import number_of, templates
from payvand.v1.payment_service_pb2 import AnswerRequest, PaymentAnswer, SubmitStreamRequest


@pytest.mark.parametrize("name", ["unary", "three_leg"])
def test_every_payment_of_a_run_settles_and_the_books_prove(name: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        bench, ["switch", "--json", "--quick", "--only", name, "--folder", str(tmp_path)]
    )
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    (result,) = report["results"]
    assert result["name"] == name
    assert result["reference"].startswith("bare grpc.aio")
    assert 0 < result["detail"]["generators_cpu_share"] < 1
    assert result["detail"]["at_half_load"]["latency_ms"]["p99"] > 0
    assert report["proofs"][f"{name}: every payment settled"]
    assert report["proofs"][f"{name}: journal_intact"]
    assert not list(tmp_path.iterdir())


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
    assert answers_to(ids) == expected.SerializeToString()


def test_latency_counts_from_when_a_message_was_due() -> None:
    clock = Clock(rate=1.0, lanes=1)
    clock.begin()
    due = asyncio.run(clock.await_turn(0, 0))
    clock.record(due - 5_000_000_000)
    assert clock.percentiles()["max"] >= 5_000_000
