"""The directory in memory: who may register and ask, and how much a payer learns."""

import pytest

from payvand.core.records import u128_array
from payvand.switch.directory.alias import AliasKind, alias_key, alias_number, masked_name
from payvand.switch.directory.directory import (
    AliasRefused,
    Change,
    Directory,
    Payee,
    Registration,
    Throttled,
)
from payvand.switch.directory.token_bucket import Terms
from payvand.switch.identifiers import card, iban, legal_id, national_id

MOBILE = "09121234567"
MELLI, AYANDEH, SEPAH = (iban.make(code, "1234567") for code in ("017", "062", "015"))
HOLDERS = {17: "melli", 62: "melli", 15: "sepah"}
CARD = card.make("603799000000000")
ALIASES = {
    AliasKind.MOBILE: MOBILE,
    AliasKind.NATIONAL_ID: national_id.make("001234567"),
    AliasKind.LEGAL_ID: legal_id.make("1010000000"),
    AliasKind.CARD: CARD,
    AliasKind.IBAN: MELLI,
}


def directory(**options: object) -> Directory:
    issuers = {CARD: "melli"}
    return Directory(HOLDERS.get, issuer=issuers.get, **options)  # type: ignore[arg-type]


def register(
    aliases: Directory, by: str, kind: int, text: str, account: str, name: str = "علی رضایی"
) -> None:
    entry = aliases.judge_registration(by, Registration(kind, text, account, name))
    aliases.apply([Change(entry.key, entry)])


def registered(**options: object) -> Directory:
    found = directory(**options)
    register(found, "melli", AliasKind.MOBILE, MOBILE, MELLI)
    return found


def payee(aliases: Directory, asker: str, kind: AliasKind, text: str, now_ns: int) -> Payee | None:
    return aliases.payees(asker, [alias_key(kind, text)], now_ns=now_ns)[0]


@pytest.mark.parametrize("kind", AliasKind)
def test_an_alias_of_every_kind_leads_to_its_account(kind: AliasKind) -> None:
    aliases = directory()
    text = ALIASES[kind]
    register(aliases, "melli", kind, text, MELLI)
    found = payee(aliases, "sepah", kind, text, 0)
    assert found is not None
    assert found.account.iban == MELLI
    assert found.masked_name == "ع*** ر***"
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


@pytest.mark.parametrize(
    ("by", "kind", "text", "account", "name", "field", "rule"),
    [
        ("sepah", AliasKind.MOBILE, MOBILE, MELLI, "a", "iban", "alias.not_yours"),
        ("melli", 9, MOBILE, MELLI, "a", "alias.kind", "alias.kind"),
        ("melli", AliasKind.MOBILE, "0912", MELLI, "a", "alias.value", "mobile.length"),
        ("melli", AliasKind.MOBILE, MOBILE, "IR00", "a", "iban", "iban.length"),
        ("melli", AliasKind.MOBILE, MOBILE, MELLI, " ", "name", "alias.name"),
        ("melli", AliasKind.MOBILE, MOBILE, MELLI, "\u200c", "name", "alias.name"),
        ("melli", AliasKind.MOBILE, MOBILE, MELLI, "a\x00b", "name", "alias.name"),
        ("melli", AliasKind.MOBILE, MOBILE, MELLI, "n" * 141, "name", "alias.name"),
        ("melli", AliasKind.IBAN, MELLI, AYANDEH, "a", "iban", "alias.not_yours"),
        ("sepah", AliasKind.CARD, CARD, SEPAH, "a", "alias", "alias.not_yours"),
    ],
)
def test_a_bank_registers_for_its_own_accounts_and_cards_only(
    by: str, kind: int, text: str, account: str, name: str, field: str, rule: str
) -> None:
    aliases = directory()
    with pytest.raises(AliasRefused) as refused:
        register(aliases, by, kind, text, account, name)
    assert (refused.value.field, refused.value.rule) == (field, rule)
    assert refused.value.hint
    assert len(aliases.table) == 0


def test_the_accounts_of_a_merged_bank_are_its_successors_and_a_taken_alias_is_told() -> None:
    aliases = directory()
    register(aliases, "melli", AliasKind.MOBILE, MOBILE, AYANDEH)
    register(aliases, "melli", AliasKind.MOBILE, MOBILE, MELLI)
    with pytest.raises(AliasRefused, match=r"alias\.taken"):
        register(aliases, "sepah", AliasKind.MOBILE, MOBILE, SEPAH)


def test_whoever_tries_numbers_is_made_to_wait_and_others_are_not() -> None:
    terms = Terms(capacity=100, refill_per_s=1, hit_cost=1, miss_cost=30)
    aliases = registered(terms=terms)
    kind = AliasKind.MOBILE
    for number in range(4):
        assert payee(aliases, "mellat", kind, f"0912999000{number}", 0) is None
    with pytest.raises(Throttled) as throttled:
        payee(aliases, "mellat", kind, MOBILE, 0)
    assert throttled.value.wait_ns == 21_000_000_000
    assert payee(aliases, "sepah", kind, MOBILE, 0)
    with pytest.raises(Throttled):
        payee(aliases, "mellat", kind, MOBILE, throttled.value.wait_ns - 1)
    assert payee(aliases, "mellat", kind, MOBILE, throttled.value.wait_ns)
    keys = u128_array([alias_key(kind, MOBILE)] * 50)
    assert aliases.find("sepah", keys, now_ns=0)["is_there"].all()
    with pytest.raises(Throttled):
        aliases.find("sepah", keys, now_ns=0)
