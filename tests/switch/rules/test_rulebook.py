"""The rulebook: what comes with the switch, what a folder of one's own replaces, and its name."""

from pathlib import Path

import pytest

from payvand.switch.rules import rulebook
from payvand.switch.rules.rulebook import TABLE_BYTES_MAX, TABLES, load
from payvand.switch.rules.solar_hijri import parse_day
from payvand.switch.rules.table_row import RulesError
from tests.support.vectors import vectors

PACKAGED = Path(rulebook.__file__).parent


def test_the_tables_that_come_with_the_switch_are_sound() -> None:
    book = load()
    assert len(book.banks.banks) == 38
    assert len(book.banks.bins) == 54
    assert set(book.rails.rails) == {"pol", "paya", "satna"}
    assert book.digest == load().digest


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_ones_own_replaces_the_one_that_comes_along(tmp_path: Path, name: str) -> None:
    text = (PACKAGED / f"{name}.toml").read_text(encoding="utf-8")
    own = tmp_path / f"{name}.toml"
    own.write_text(text, encoding="utf-8")
    assert load(tmp_path).digest == load().digest
    own.write_text(text.replace('version = "', 'version = "own ', 1), encoding="utf-8")
    book = load(tmp_path)
    assert book.digest != load().digest
    versions = {table: getattr(book, table).version for table in TABLES}
    assert {table for table, version in versions.items() if version.startswith("own")} == {name}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"= 1", "rules.toml"),
        (b"\xff", "rules.encoding"),
        (b"", "rules.missing"),
        (b"#" * (TABLE_BYTES_MAX + 1), "rules.size"),
    ],
)
def test_a_table_that_is_wrong_is_named(
    tmp_path: Path, name: str, content: bytes, rule: str
) -> None:
    (tmp_path / f"{name}.toml").write_bytes(content)
    with pytest.raises(RulesError) as refused:
        load(tmp_path)
    assert refused.value.rule == rule
    assert refused.value.path.startswith(name)


def test_a_service_digit_means_what_the_reference_bills_say() -> None:
    services, day = load().services, parse_day("1404-01-01")
    seen = set()
    for vector in vectors("bill_payment"):
        expect = vector["expect"]
        if "service" not in expect:
            continue
        service = services.service(expect["service_digit"], day)
        assert (service.name if service else None) == expect["service"]
        seen.add(expect["service_digit"])
    assert seen == set(range(1, 10))
