"""What the switch shows to Prometheus."""

from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from payvand.switch.metrics import STAGES, Metrics


def test_two_switches_of_one_process_count_apart() -> None:
    first, second = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    first.count_payments("settled", 3)
    name = "payvand_payments_total"
    labels = {"state": "settled", "reason": ""}
    assert first.registry.get_sample_value(name, labels) == 3
    assert second.registry.get_sample_value(name, labels) is None


def test_a_batch_is_observed_once_with_its_size() -> None:
    metrics = Metrics(CollectorRegistry())
    metrics.observe("apply", 0.002, 700)

    def value(name: str) -> float | None:
        return metrics.registry.get_sample_value(name, {"stage": "apply"})

    assert value("payvand_stage_seconds_count") == 1
    assert value("payvand_stage_seconds_sum") == 0.002
    assert value("payvand_batch_payments_sum") == 700


def test_every_stage_has_its_series_before_its_first_batch() -> None:
    shown = generate_latest(Metrics(CollectorRegistry()).registry).decode()
    for stage in STAGES:
        assert f'payvand_stage_seconds_count{{stage="{stage}"}} 0.0' in shown


def test_ages_are_asked_for_at_each_scrape_over_http() -> None:
    metrics = Metrics(CollectorRegistry())
    ages = iter([1.5, 2.5])
    metrics.watch_oldest("projection", lambda: next(ages))
    metrics.watch_journal(lambda: 41, lambda: 3)
    exposition = metrics.expose(0)
    try:
        pages = []
        for _ in range(2):
            with urlopen(f"http://127.0.0.1:{exposition.port}/metrics") as reply:
                pages.append(reply.read().decode())
    finally:
        exposition.close()
    series = 'payvand_stage_oldest_seconds{stage="projection"}'
    assert f"{series} 1.5" in pages[0]
    assert f"{series} 2.5" in pages[1]
    assert "payvand_journal_sequence 41.0" in pages[0]
    assert "payvand_projection_lag_frames 3.0" in pages[0]


def test_an_unknown_stage_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError):
        Metrics(CollectorRegistry()).observe("thinking", 1.0, 1)
