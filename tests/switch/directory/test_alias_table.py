"""The table of aliases does what a dictionary does, and its set hash is that of its content."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from payvand.client.directory_copy import (
    LEVELS,
    Difference,
    DirectoryCopy,
    Leaf,
    Node,
    differences,
    entry_digest,
    leaf_of,
)
from payvand.core.records import u128_array
from payvand.switch.directory.alias import AliasKind, alias_key
from payvand.switch.directory.alias_table import NAME_BYTES_MAX, AliasTable, keys_of_digits
from payvand.switch.directory.set_tree import LEVEL_MAX
from payvand.switch.identifiers import national_id
from payvand.v1.directory_service_pb2 import AliasKind as Kind

KEYS = st.integers(1, 40).map(lambda number: AliasKind.MOBILE << 120 | number)


@dataclass(frozen=True)
class Entry:
    """A row of the table, and what a bank knows it as."""

    key: int
    account: int
    bank_code: int
    name: bytes

    @property
    def iban(self) -> str:
        return f"IR00{self.bank_code:03}{self.account:019}"

    @property
    def digest(self) -> bytes:
        return entry_digest(self.key.to_bytes(16), self.iban, self.name.decode())

    @property
    def leaf(self) -> int:
        return leaf_of(self.key.to_bytes(16))


NAMES = st.text(st.characters(codec="utf-8"), max_size=NAME_BYTES_MAX // 4).map(str.encode)
ENTRIES = st.builds(Entry, KEYS, st.integers(0, 10**19 - 1), st.integers(0, 999), NAMES)


def put(table: AliasTable, entries: list[Entry]) -> int:
    return table.put(
        u128_array([entry.key for entry in entries]),
        np.array([entry.account for entry in entries], np.uint64),
        np.array([entry.bank_code for entry in entries], np.uint16),
        [entry.name for entry in entries],
    )


class Table(RuleBasedStateMachine):
    """A table beside a dictionary, through puts, changes and removals that use room again."""

    def __init__(self) -> None:
        super().__init__()
        self.table = AliasTable()
        self.model: dict[int, Entry] = {}

    @rule(entries=st.lists(ENTRIES, max_size=6))
    def put(self, entries: list[Entry]) -> None:
        new = len({entry.key for entry in entries} - self.model.keys())
        assert put(self.table, entries) == new
        self.model |= {entry.key: entry for entry in entries}

    @rule(keys=st.lists(KEYS, max_size=6))
    def remove(self, keys: list[int]) -> None:
        assert self.table.remove(u128_array(keys)) == len(set(keys) & self.model.keys())
        for key in keys:
            self.model.pop(key, None)

    @rule(keys=st.lists(KEYS, max_size=80))
    def find(self, keys: list[int]) -> None:
        for key, found in zip(keys, self.table.find(u128_array(keys)), strict=True):
            entry = self.model.get(key)
            assert bool(found["is_there"]) is (entry is not None)
            if entry is not None:
                assert (found["account"], found["bank_code"]) == (entry.account, entry.bank_code)

    @invariant()
    def names_are_kept(self) -> None:
        for number in range(1, 41):
            key = AliasKind.MOBILE << 120 | number
            entry = self.model.get(key)
            assert self.table.name(key) == (entry.name if entry else None)

    @invariant()
    def the_set_hash_is_that_of_the_content(self) -> None:
        assert len(self.table) == len(self.model)
        total = sum(int.from_bytes(entry.digest) for entry in self.model.values()) % 2**256
        assert self.table.tree.nodes(0, [0]) == [(len(self.model), total.to_bytes(32))]
        for entry in self.model.values():
            assert (entry.key, entry.digest) in self.table.leaf(entry.leaf)


TestTable = Table.TestCase
TestTable.settings = settings(max_examples=settings().max_examples // 2, stateful_step_count=20)


@given(ENTRIES)
def test_a_digest_is_the_one_that_is_told_to_others(entry: Entry) -> None:
    table = AliasTable()
    put(table, [entry])
    assert table.leaf(entry.leaf) == [(entry.key, entry.digest)]


def test_a_table_grows_far_beyond_its_first_size_and_gives_room_back() -> None:
    table = AliasTable()
    numbers = np.arange(30_000, dtype=np.uint64)
    keys = u128_array(range(30_000))
    banks = np.zeros(30_000, np.uint16)
    for _ in range(3):
        assert table.put(keys, numbers, banks, [b"a name"] * 30_000) == 30_000
        assert (table.find(keys)["account"] == numbers).all()
        before = table.statistics()
        assert table.remove(keys) == 30_000
        assert table.tree.nodes(0, [0]) == [(0, bytes(32))]
    assert before["row_bytes"] == 30_000 * 40
    assert before["name_bytes"] == 30_000 * 8 + 8


def test_what_does_not_fit_together_changes_nothing() -> None:
    table = AliasTable()
    keys, accounts, banks = u128_array([1, 2]), np.zeros(2, np.uint64), np.zeros(2, np.uint16)
    for wrong in (
        (keys, accounts[:1], banks, [b"", b""]),
        (keys, accounts, banks, [b""]),
        (keys, accounts, banks, [b"", b"n" * (NAME_BYTES_MAX + 1)]),
    ):
        with pytest.raises(ValueError, match="n"):
            table.put(*wrong)
        assert len(table) == 0
    with pytest.raises(ValueError, match="keys"):
        table.find(np.zeros(2, np.uint64))


@given(st.lists(st.from_regex(r"[0-9]{1,36}", fullmatch=True), max_size=5))
def test_keys_of_digits_are_exact(texts: list[str]) -> None:
    keys = keys_of_digits(AliasKind.CARD, np.array(texts, "S40"))
    expected = [AliasKind.CARD << 120 | int(text) for text in texts]
    assert keys.tolist() == u128_array(expected).tolist()


@pytest.mark.parametrize("text", [b"", b"12a", b" 12", b"12\x003", b"\xdb\xb1", b"1" * 37])
def test_what_is_no_number_has_the_key_of_nobody(text: bytes) -> None:
    assert keys_of_digits(AliasKind.CARD, np.array([text], "S40")).tolist() == [(0, 0)]


def test_the_key_of_an_alias_is_the_same_by_text_and_by_array() -> None:
    texts = [national_id.make(f"{number:09}") for number in range(1_234_567, 1_234_667)]
    keys = keys_of_digits(AliasKind.NATIONAL_ID, np.array(texts, "S10"))
    assert (
        keys.tolist()
        == u128_array([alias_key(AliasKind.NATIONAL_ID, text) for text in texts]).tolist()
    )


class Asked:
    """The directory as a bank asks it, counting the questions."""

    def __init__(self, table: AliasTable) -> None:
        self.table = table
        self.questions = 0

    async def nodes(self, level: int, indexes: Sequence[int]) -> list[Node]:
        self.questions += 1
        return self.table.tree.nodes(level, indexes)

    async def compare_leaf(self, index: int, digests: Sequence[bytes]) -> Leaf:
        self.questions += 1
        here = self.table.leaf(index)
        missing = [(key.to_bytes(16), one) for key, one in here if one not in digests]
        ours = {one for _, one in here}
        return missing, [place for place, one in enumerate(digests) if one not in ours]


def entries_of(count: int) -> list[Entry]:
    return [
        Entry(AliasKind.MOBILE << 120 | _number(number), number, number % 90, b"name %d" % number)
        for number in range(count)
    ]


def _number(number: int) -> int:
    return 989_120_000_000 + number


def keep(copy: DirectoryCopy, entry: Entry) -> None:
    text = str(entry.key & (1 << 120) - 1)
    copy.put(Kind.ALIAS_KIND_MOBILE, text, entry.iban, entry.name.decode())


def drop(copy: DirectoryCopy, number: int) -> None:
    copy.remove(Kind.ALIAS_KIND_MOBILE, str(_number(number)))


def filled(entries: list[Entry]) -> tuple[AliasTable, DirectoryCopy]:
    table, copy = AliasTable(), DirectoryCopy()
    put(table, entries)
    for entry in entries:
        keep(copy, entry)
    return table, copy


def found_by(copy: DirectoryCopy, asked: Asked) -> list[Difference]:
    return asyncio.run(differences(copy, asked))


def test_a_copy_that_is_equal_is_proved_by_one_question() -> None:
    table, copy = filled(entries_of(2_000))
    asked = Asked(table)
    assert found_by(copy, asked) == []
    assert asked.questions == 1
    # Another order of events, and events that were taken back, make no difference.
    keep(copy, entries_of(1)[0])
    drop(copy, 7)
    keep(copy, entries_of(8)[7])
    assert found_by(copy, Asked(table)) == []
    assert len(copy) == 2_000


@settings(max_examples=settings().max_examples // 4)
@given(
    st.sets(st.integers(0, 499), max_size=4),
    st.sets(st.integers(500, 999), max_size=4),
    st.sets(st.integers(1_000, 1_499), max_size=4),
)
def test_every_key_that_differs_is_found_in_few_questions(
    missing: set[int], changed: set[int], surplus: set[int]
) -> None:
    table, copy = filled(entries_of(1_000))
    every = entries_of(1_500)
    for number in missing:
        drop(copy, number)
    for number in changed:
        entry = every[number]
        keep(copy, Entry(entry.key, entry.account + 1, entry.bank_code, entry.name))
    for number in surplus:
        keep(copy, every[number])
    asked = Asked(table)
    found = {(one.number, one.in_copy, one.in_directory) for one in found_by(copy, asked)}
    assert found == (
        {(_number(number), False, True) for number in missing}
        | {(_number(number), True, True) for number in changed}
        | {(_number(number), True, False) for number in surplus}
    )
    assert asked.questions <= 1 + LEVELS // 4 + len(found)


def test_both_sides_build_the_same_tree() -> None:
    assert LEVELS == LEVEL_MAX
    table, copy = filled(entries_of(300))
    for level in range(LEVELS + 1):
        indexes = range(min(1 << level, 1_000))
        assert copy.nodes(level, indexes) == table.tree.nodes(level, indexes)


def test_a_set_tree_refuses_what_is_none_of_it() -> None:
    tree = AliasTable().tree
    for call, word in (
        (lambda: tree.nodes(LEVEL_MAX + 1, [0]), "level"),
        (lambda: tree.nodes(2, [4]), "no node"),
    ):
        with pytest.raises(ValueError, match=word):
            call()
