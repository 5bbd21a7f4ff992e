"""The book of a sandbox participant: what was written is what is read, wherever it was cut off."""

from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.sandbox.book import Book

PAYMENTS = [bytes([1, n] * 8) for n in range(6)]
ENDS = ("settled", "rejected", "expired")

sent = st.tuples(
    st.just("sent"), st.sampled_from(PAYMENTS[:3]), st.sampled_from(("reserved", "declined"))
)
offered = st.tuples(st.just("offered"), st.sampled_from(PAYMENTS[3:]), st.just("accepted"))
ended = st.tuples(st.just("ended"), st.sampled_from(PAYMENTS), st.sampled_from(ENDS))
steps = st.lists(st.lists(st.one_of(sent, offered, ended), max_size=4), max_size=6)


def write(book: Book, step: list[tuple[str, bytes, str]], cursor: int) -> None:
    for what, payment, word in step:
        if what == "sent":
            book.note_sent(payment, 100 + payment[1], word, "AM14" if word == "declined" else "")
        elif what == "offered":
            book.note_offered(payment, 100 + payment[1], word, "bill 1/2")
        else:
            book.note_ended(payment, word, "AC04" if word == "rejected" else "", 7)
    book.commit_cursor(cursor)


def content(book: Book) -> tuple[object, ...]:
    return deepcopy(
        (
            book.cursor,
            book.entries(sent=True),
            book.entries(sent=False),
            book.sent.states(),
            book.received.states(),
            book.reasons,
            book.bills,
            book.ends,
            book.strangers,
            book.contradictions,
        )
    )


@given(steps=steps, cut=st.integers(min_value=0, max_value=4_000))
def test_a_book_cut_off_anywhere_is_that_of_its_whole_steps(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[list[tuple[str, bytes, str]]],
    cut: int,
) -> None:
    path = tmp_path_factory.mktemp("book") / "book.txt"
    book = Book.open(path)
    after = [(0, content(book))]
    for cursor, step in enumerate(steps, 1):
        write(book, step, cursor)
        after.append((path.stat().st_size, content(book)))
    book.close()
    cut = min(cut, path.stat().st_size)
    path.write_bytes(path.read_bytes()[:cut])
    expected = [entries for size, entries in after if size <= cut][-1]
    assert content(Book.read(path)) == expected
    reopened = Book.open(path)
    write(reopened, [("sent", PAYMENTS[0], "reserved")], 99)
    reopened.close()
    again = Book.read(path)
    assert again.cursor == 99
    assert again.entries(sent=True) == reopened.entries(sent=True)


def test_a_step_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    book = Book.open(path)
    write(book, [("sent", PAYMENTS[0], "reserved")], 1)
    write(book, [("ended", PAYMENTS[0], "settled")], 2)
    book.close()
    path.write_bytes(path.read_bytes().replace(b"settled", b"expired"))
    assert Book.read(path).sent.states() == {"reserved": (1, 100)}


def test_an_end_that_comes_before_the_answer_is_kept_for_it(tmp_path: Path) -> None:
    book = Book.open(tmp_path / "book.txt")
    write(book, [("ended", PAYMENTS[0], "settled")], 1)
    assert book.strangers == [PAYMENTS[0]]
    write(book, [("sent", PAYMENTS[0], "reserved")], 2)
    assert book.strangers == []
    assert book.sent.states() == {"settled": (1, 100)}
    book.close()


def test_two_ends_of_one_payment_are_a_contradiction(tmp_path: Path) -> None:
    book = Book.open(tmp_path / "book.txt")
    write(book, [("sent", PAYMENTS[0], "reserved"), ("ended", PAYMENTS[0], "settled")], 1)
    write(book, [("ended", PAYMENTS[0], "settled")], 2)
    assert book.contradictions == []
    write(book, [("ended", PAYMENTS[0], "expired")], 3)
    assert book.contradictions == [PAYMENTS[0].hex()]
    assert book.sent.states() == {"settled": (1, 100)}
    book.close()


def test_a_payment_sent_again_counts_once_and_is_counted_as_repeated(tmp_path: Path) -> None:
    book = Book.open(tmp_path / "book.txt")
    write(book, [("sent", PAYMENTS[1], "reserved")] * 3, 1)
    assert book.sent.states() == {"reserved": (1, 101)}
    assert book.repeats == 2
    book.close()
