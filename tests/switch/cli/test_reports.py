"""Reports as operators ask them: all of the pack, queries of one's own, files at their hours."""

import asyncio
import csv
import io
from pathlib import Path

import lxml.html
import pytest
from click.testing import CliRunner

from payvand.settlement.reporting.report import Parameter, Report, pack
from payvand.settlement.reporting.running import ReportRunner
from payvand.switch.cli import main
from payvand.switch.reporting import ReportRefused, Reports
from payvand.switch.sandbox.accounts import account_iban
from tests.support.command_town import Town, town
from tests.support.projected import open_projected

__all__ = ["town"]

DAY_NS = 86_400 * 1_000_000_000

OWN = """
title = { en = "Large payments", fa = "پرداخت‌های بزرگ" }
parameters = ["day"]
query = "SELECT debtor_participant AS bank, count(*) AS count FROM payment \
WHERE recorded_at >= :from AND recorded_at < :until AND amount >= 100 GROUP BY 1 ORDER BY 1"
totals = ["count"]
columns = [
    { name = "bank", kind = "text", title = { en = "bank", fa = "بانک" } },
    { name = "count", kind = "count", title = { en = "payments", fa = "تعداد" } },
]
"""


@pytest.fixture(scope="module", autouse=True)
def paid(town: Town, tmp_path_factory: pytest.TempPathFactory) -> None:
    melli, parsian = account_iban("017", 1), account_iban("054", 3)
    file = tmp_path_factory.mktemp("files") / "salaries.csv"
    rows = "".join(f"R-{n},{melli},{parsian},{n}00,IRR\n" for n in range(1, 6))
    file.write_text("end_to_end_id,debtor_iban,creditor_iban,amount,unit\n" + rows)
    town.run("submit", str(file), "--wait")
    town.json("settle")


def options_of(report: Report) -> list[str]:
    return ["--participant", "melli"] if Parameter.PARTICIPANT in report.parameters else []


@pytest.mark.parametrize("name", pack())
def test_each_report_answers_people_and_programs(town: Town, tmp_path: Path, name: str) -> None:
    options = options_of(pack()[name])
    told = town.json("reports", "run", name, *options)
    assert told["report"] == name
    text = town.run("reports", "run", name, *options)
    assert text.exit_code == 0 and pack()[name].title.en in text.stdout
    persian = CliRunner().invoke(
        main, ["--lang", "fa", "reports", "run", name, *options, "--data", str(town.data)]
    )
    assert persian.exit_code == 0 and pack()[name].title.fa in persian.stdout
    table = town.run("reports", "run", name, *options, "--csv")
    assert len(list(csv.reader(io.StringIO(table.stdout)))) == len(told["rows"]) + 1
    page = tmp_path / "page.html"
    town.run("reports", "run", name, *options, "--html", str(page))
    assert len(lxml.html.parse(str(page)).findall(".//tbody/tr")) == len(told["rows"])


def test_figures_are_those_of_the_totals(town: Town) -> None:
    balances = town.json("reports", "run", "trial_balance")
    totals = town.json("totals")
    assert balances["totals"]["debits"] == totals["ledger"]["debits_posted"]
    assert balances["totals"]["credits"] == totals["ledger"]["credits_posted"]
    assert balances["totals"]["balance"] == "0"


def test_what_waits_is_listed_with_its_end_and_a_command(town: Town) -> None:
    town.json("fund", "melli", "1000", "--reference", "N-1")
    waiting = town.json("stuck")["waiting"]
    proposal = next(row for row in waiting if row["kind"] == "proposal")
    assert proposal["waits_for"] == "second-operator"
    assert proposal["may_be_done"] == "approve_or_refuse"
    assert town.run(*proposal["command"].split()[1:]).exit_code == 0
    assert "approve or refuse" in town.run("stuck").stdout
    assert not town.json("stuck", "--minutes", "5")["waiting"]
    town.json("approvals", "approve", proposal["subject"], "--as", "second-operator")
    assert all(row["kind"] != "proposal" for row in town.json("stuck")["waiting"])


def test_a_query_of_ones_own_is_saved_run_and_removed(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN)
    for _ in range(2):
        assert town.json("reports", "save", "large_payments", str(file))["saved_by"] == "operator"
    assert town.json("reports", "run", "large_payments")["rows"]
    assert any(
        report["name"] == "large_payments" for report in town.json("reports", "list")["reports"]
    )
    for _ in range(2):
        town.json("reports", "remove", "large_payments")
    assert town.run("reports", "run", "large_payments").exit_code != 0


def test_a_query_of_other_tables_is_refused_with_its_place(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(OWN.replace("FROM payment", "FROM reference.audit"))
    refused = town.run("reports", "save", "curious", str(file))
    assert refused.exit_code != 0
    assert "permission denied" in refused.output


def test_a_report_is_written_once_a_day_at_its_hour(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_projected(tmp_path / "journal", database) as projected:
            midnight = 1_767_225_600 * 1_000_000_000 - 3 * DAY_NS // 24 - DAY_NS // 48
            now = midnight + 18 * DAY_NS // 24

            async def caught_up() -> None:
                """Nothing is projected here."""

            reports = Reports(
                projected.pool,
                ReportRunner(projected.pool),
                tmp_path / "reports",
                clock=lambda: now,
                catch_up=caught_up,
            )
            for _ in range(2):
                stored = await reports.schedule("trial_balance", "18:30", operator="operator")
            assert stored.written_at == "18:30"
            assert not await reports.write_due()
            now += DAY_NS // 48
            written = await reports.write_due()
            folder = tmp_path / "reports" / "2026-01-01"
            assert sorted(folder.iterdir()) == sorted(written)
            assert {path.suffix for path in written} == {".csv", ".json", ".html"}
            assert not await reports.write_due()
            now += DAY_NS
            assert await reports.write_due()
            await reports.schedule("trial_balance", "", operator="operator")
            now += DAY_NS
            assert not await reports.write_due()
            for name, hour in (("statement", "18:30"), ("trial_balance", "25:00"), ("no", "18:30")):
                with pytest.raises(ReportRefused):
                    await reports.schedule(name, hour, operator="operator")

    asyncio.run(scene())
