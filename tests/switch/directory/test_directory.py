"""The directory: who may register, ask and move an alias, and how much a payer learns."""

from datetime import UTC, datetime, timedelta

import pytest

from payvand.core.records import u128_array
from payvand.switch.directory.alias import AliasKind, alias_key, alias_number, masked_name
from payvand.switch.directory.claims import ClaimKind, ClaimState
from payvand.switch.directory.directory import AliasRefused, Change, Directory
from payvand.switch.directory.reconciling import Copy, differences
from payvand.switch.directory.token_bucket import Terms
from payvand.switch.identifiers import card, iban, legal_id, national_id
from payvand.switch.identifiers.identifier_error import IdentifierError

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MOBILE = "09121234567"
MELLI, AYANDEH, SEPAH = (iban.make(code, "1234567") for code in ("017", "062", "015"))
HOLDERS = {17: "melli", 62: "melli", 15: "sepah"}
ALIASES = {
    AliasKind.MOBILE: MOBILE,
    AliasKind.NATIONAL_ID: national_id.make("001234567"),
    AliasKind.LEGAL_ID: legal_id.make("1010000000"),
    AliasKind.CARD: card.make("603799000000000"),
    AliasKind.IBAN: MELLI,
}


def directory(**options: object) -> Directory:
    return Directory(HOLDERS.get, **options)  # type: ignore[arg-type]


def registered(**options: object) -> Directory:
    found = directory(**options)
    found.register("melli", AliasKind.MOBILE, MOBILE, MELLI, "علی رضایی", moment=NOW)
    return found


def rule(act: object, *arguments: object, **options: object) -> str:
    assert callable(act)
    with pytest.raises((AliasRefused, IdentifierError)) as refused:
        act(*arguments, **options)
    assert refused.value.hint
    return refused.value.rule


@pytest.mark.parametrize("kind", AliasKind)
def test_an_alias_of_every_kind_leads_to_its_account(kind: AliasKind) -> None:
    aliases = directory()
    text = ALIASES[kind]
    aliases.register("melli", kind, text, MELLI, "علی رضایی", moment=NOW)
    payee = aliases.resolve("sepah", kind, text, now_ns=0)
    assert payee.account.iban == MELLI
    assert payee.masked_name == "ع*** ر***"
    number = alias_number(alias_key(kind, text))
    assert number[0] is kind
    assert text[-9:] == number[1][-9:]


def test_two_kinds_with_the_same_digits_are_two_aliases() -> None:
    assert len({kind << 120 | 1 for kind in AliasKind}) == len(AliasKind)
    aliases = registered()
    keys = [kind << 120 | 989121234567 for kind in AliasKind]
    assert aliases.table.find(u128_array(keys))["is_there"].tolist() == [
        kind is AliasKind.MOBILE for kind in AliasKind
    ]


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("علی رضایی", "ع*** ر***"),
        ("  Sara   Ahmadi ", "S*** A***"),
        ("شرکت‌نمونه", "ش*** ن***"),
        ("م", "م***"),
    ],
)
def test_a_masked_name_shows_the_first_letters_and_no_length(name: str, masked: str) -> None:
    assert masked_name(name) == masked


def test_a_bank_registers_for_its_own_accounts_only() -> None:
    aliases = directory()
    register, kind = aliases.register, AliasKind.MOBILE
    assert rule(register, "sepah", kind, MOBILE, MELLI, "a", moment=NOW) == "alias.not_yours"
    assert rule(register, "melli", kind, "0912", MELLI, "a", moment=NOW) == "mobile.length"
    assert rule(register, "melli", kind, MOBILE, "IR00", "a", moment=NOW) == "iban.length"
    assert rule(register, "melli", kind, MOBILE, MELLI, " ", moment=NOW) == "alias.name"
    assert rule(register, "melli", kind, MOBILE, MELLI, "n" * 561, moment=NOW) == "alias.name"
    assert (
        rule(register, "melli", AliasKind.IBAN, MELLI, AYANDEH, "a", moment=NOW)
        == "alias.not_yours"
    )
    assert len(aliases.table) == 0
    # The accounts of a bank that was succeeded to are its successor's.
    register("melli", kind, MOBILE, AYANDEH, "a", moment=NOW)
    register("melli", kind, MOBILE, MELLI, "b", moment=NOW)
    assert rule(register, "sepah", kind, MOBILE, SEPAH, "a", moment=NOW) == "alias.taken"


def test_a_bank_withdraws_what_it_registered_only() -> None:
    aliases = registered()
    kind = AliasKind.MOBILE
    assert rule(aliases.withdraw, "sepah", kind, MOBILE, moment=NOW) == "alias.not_yours"
    aliases.withdraw("melli", kind, MOBILE, moment=NOW)
    assert rule(aliases.withdraw, "melli", kind, MOBILE, moment=NOW) == "alias.unknown"
    assert rule(aliases.resolve, "melli", kind, MOBILE, now_ns=0) == "alias.unknown"


def test_an_alias_moves_by_claim_and_stays_until_the_claim_is_completed() -> None:
    aliases = registered()
    kind = AliasKind.MOBILE
    claim = aliases.open_claim("sepah", ClaimKind.PORTABILITY, kind, MOBILE, moment=NOW)
    assert (
        rule(aliases.register, "melli", kind, MOBILE, AYANDEH, "a", moment=NOW) == "alias.claimed"
    )
    assert rule(aliases.withdraw, "melli", kind, MOBILE, moment=NOW) == "alias.claimed"
    assert (
        rule(aliases.open_claim, "sepah", ClaimKind.OWNERSHIP, kind, MOBILE, moment=NOW)
        == "alias.claimed"
    )
    aliases.confirm_claim("melli", claim.id, moment=NOW + DAY)
    assert aliases.resolve("sepah", kind, MOBILE, now_ns=0).account.iban == MELLI
    complete = aliases.complete_claim
    assert rule(complete, "sepah", claim.id, MELLI, "a", moment=NOW + DAY) == "alias.not_yours"
    assert rule(complete, "sepah", claim.id, SEPAH, "", moment=NOW + DAY) == "alias.name"
    complete("sepah", claim.id, SEPAH, "علی رضایی", moment=NOW + DAY)
    assert aliases.resolve("melli", kind, MOBILE, now_ns=0).account.iban == SEPAH
    assert aliases.claim(claim.id, moment=NOW + DAY).settled_state is ClaimState.COMPLETED
    aliases.withdraw("sepah", kind, MOBILE, moment=NOW + DAY)


def test_a_claim_that_failed_sets_the_alias_free_again() -> None:
    aliases = registered()
    kind = AliasKind.MOBILE
    claim = aliases.open_claim("sepah", ClaimKind.PORTABILITY, kind, MOBILE, moment=NOW)
    late = NOW + 8 * DAY
    assert aliases.claim(claim.id, moment=late).settled_state is ClaimState.CANCELLED
    aliases.register("melli", kind, MOBILE, AYANDEH, "علی رضایی", moment=late)
    again = aliases.open_claim("sepah", ClaimKind.OWNERSHIP, kind, MOBILE, moment=late)
    aliases.cancel_claim("melli", again.id, "the owner says no", moment=late)
    aliases.withdraw("melli", kind, MOBILE, moment=late)
    unknown = rule(aliases.open_claim, "sepah", ClaimKind.OWNERSHIP, kind, MOBILE, moment=late)
    assert unknown == "alias.unknown"
    assert rule(aliases.claim, 99, moment=late) == "claim.unknown"


def test_an_iban_is_never_claimed() -> None:
    aliases = directory()
    aliases.register("melli", AliasKind.IBAN, MELLI, MELLI, "a", moment=NOW)
    claimed = rule(
        aliases.open_claim, "sepah", ClaimKind.OWNERSHIP, AliasKind.IBAN, MELLI, moment=NOW
    )
    assert claimed == "claim.iban"


def test_whoever_tries_numbers_is_made_to_wait_and_others_are_not() -> None:
    terms = Terms(capacity=100, refill_per_s=1, hit_cost=1, miss_cost=30)
    aliases = registered(terms=terms)
    kind = AliasKind.MOBILE
    for number in range(4):
        wrong = f"0912999000{number}"
        assert rule(aliases.resolve, "mellat", kind, wrong, now_ns=0) == "alias.unknown"
    assert rule(aliases.resolve, "mellat", kind, MOBILE, now_ns=0) == "alias.throttled"
    assert aliases.resolve("sepah", kind, MOBILE, now_ns=0).masked_name
    # A text that is no number at all tells nothing and costs nothing.
    assert rule(aliases.resolve, "mellat", kind, "0912", now_ns=0) == "mobile.length"
    later_ns = 21_000_000_000
    assert rule(aliases.resolve, "mellat", kind, MOBILE, now_ns=later_ns - 1) == "alias.throttled"
    assert aliases.resolve("mellat", kind, MOBILE, now_ns=later_ns)
    keys = u128_array([alias_key(kind, MOBILE)] * 50)
    assert aliases.find("sepah", keys, now_ns=0)["is_there"].all()
    assert rule(aliases.find, "sepah", keys, now_ns=0) == "alias.throttled"


def test_a_follower_of_all_changes_has_an_equal_copy() -> None:
    copy = Copy()

    def follow(change: Change) -> None:
        if change.entry is None:
            copy.remove(change.key)
        else:
            copy.put(change.entry)

    aliases = registered(follow=follow)
    for kind, text in ALIASES.items():
        aliases.register("melli", kind, text, MELLI, "علی رضایی", moment=NOW)
    aliases.withdraw("melli", AliasKind.CARD, ALIASES[AliasKind.CARD], moment=NOW)
    claim = aliases.open_claim("sepah", ClaimKind.OWNERSHIP, AliasKind.MOBILE, MOBILE, moment=NOW)
    aliases.complete_claim("sepah", claim.id, SEPAH, "سارا احمدی", moment=NOW + 8 * DAY)
    assert len(copy.entries) == len(aliases.table) == 4

    class Theirs:
        nodes = staticmethod(aliases.table.tree.nodes)
        leaf = staticmethod(aliases.table.leaf)

    assert list(differences(copy, Theirs())) == []
