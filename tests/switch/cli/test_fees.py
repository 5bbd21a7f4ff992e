"""`payvand fees`: schedules are checked, cases assessed and explained, drafts tried on the past."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from payvand.switch.cli import main

SEEDS = Path(__file__).parents[3] / "examples" / "fees"


def fees(*arguments: str | Path, lang: str = "en") -> Result:
    return CliRunner().invoke(main, ["--lang", lang, "fees", *map(str, arguments)])


def told(*arguments: str | Path, exit_code: int = 0) -> dict[str, Any]:
    done = fees(*arguments, "--json")
    assert done.exit_code == exit_code, done.stderr
    return dict(json.loads(done.stdout))


def test_the_seed_catalogue_is_right_and_a_wrong_file_is_told_line_by_line(tmp_path: Path) -> None:
    seeds = sorted(SEEDS.glob("*.toml"))
    done = fees("catalogue", "check", *seeds)
    assert done.exit_code == 0
    assert done.stdout.count("nothing is wrong with it") == len(seeds)
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(seeds[0].read_text().replace("per_million = 40_000\n", 'per_million = "4"\n'))
    answer = told("catalogue", "check", wrong, seeds[1], exit_code=1)
    (fault,) = answer["files"][0]["faults"]
    assert fault["path"] == "service[0].fee[0].per_million"
    assert fault["rule"] == "rules.type"
    assert 'per_million = "4"' in wrong.read_text().splitlines()[fault["line"] - 1]
    assert answer["files"][1]["faults"] == []


def test_a_case_is_explained_line_by_line() -> None:
    arguments = ("assess", SEEDS / "judiciary.toml", "petition", "attachment_pages=3")
    answer = told(*arguments, "payer=relief_committee", "--day", "1403-06-01", "--explain")
    assert answer["total"] == "565000"
    assert answer["total"] == str(sum(int(line["amount"]) for line in answer["lines"]))
    pages = answer["lines"][1]
    assert pages["reasons"][0] == "3 of attachment_pages at 70,000 each"
    assert pages["reduced_by"] == "relief"
    assert pages["shares"][0]["beneficiary"] == "service_office"
    people = fees(*arguments, "--explain", "--day", "1403-06-01").stdout
    assert "Attachments, each page" in people
    assert "tariff of the electronic judicial services, 1403" in people
    assert "ثبت دادخواست یا شکواییه" in fees(*arguments, lang="fa").stdout


def test_what_is_owed_is_that_of_the_day_of_payment() -> None:
    arguments = ("assess", SEEDS / "traffic-police.toml", "fine", "place=road")
    days = ("--day", "1404-06-01", "--due", "1404-06-01", "--paid-on")
    assert told(*arguments, *days, "1404-07-30")["total"] == "2000000"
    doubled = told(*arguments, *days, "1404-08-01", "--explain")
    assert doubled["total"] == "4000000"
    assert [line["kind"] for line in doubled["lines"]] == ["fee", "penalty"]
    shares = [one["amount"] for one in doubled["lines"][1]["shares"]]
    assert shares == ["1200000", "300000", "500000"]


def test_a_wrong_case_is_refused_with_its_field_and_what_to_do() -> None:
    answer = told("assess", SEEDS / "roads.toml", "toll", "vehicle=ship", exit_code=1)
    assert answer["field"] == "facts.vehicle"
    assert answer["rule"] == "facts.choice"
    assert "trailer" in answer["hint"]
    assert fees("assess", SEEDS / "roads.toml", "toll", "vehicle").exit_code == 2
    assert fees("assess", SEEDS / "roads.toml", "toll", "--paid-on", "1404-01-01").exit_code == 2


def test_numbers_may_be_typed_as_people_of_the_country_type_them() -> None:
    answer = told("assess", SEEDS / "tax.toml", "assessed_tax", "tax=۴۰٬۰۰۰٬۰۰۰")
    assert answer["total"] == "40000000"


def test_a_draft_is_tried_on_the_cases_of_the_past(tmp_path: Path) -> None:
    before = SEEDS / "judiciary.toml"
    draft = tmp_path / "draft.toml"
    draft.write_text(before.read_text().replace("amount = 770_000", "amount = 800_000"))
    history = tmp_path / "cases.csv"
    rows = ["day,service,attachment_pages,document,payer"]
    rows += ["1403-06-01,petition,2,,", "1403-06-02,petition,0,,relief_committee"]
    rows += ["1403-06-02,filing,,brief,", "1403-06-02,filing,,poem,"]
    history.write_text("\n".join(rows) + "\n")
    arguments = ("what-if", draft, "--beside", before, "--history", history)
    petition, filing = told(*arguments)["services"]
    assert petition["service"] == "petition"
    assert (petition["cases"], petition["dearer"], petition["cheaper"]) == (2, 2, 0)
    assert int(petition["after"]) - int(petition["before"]) == 30_000 + 15_000
    assert petition["fees"][0] == {"fee": "petition", "before": "1155000", "after": "1200000"}
    assert filing["before"] == filing["after"] == "630000"
    assert filing["refused_before"] == filing["refused_after"] == 1
    assert "+45,000" in fees(*arguments).stdout
