"""What a second operator should look at before a change of participants is approved."""

from collections.abc import Iterator, Mapping
from datetime import date

from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.participant import Participant
from payvand.switch.rules.banks import Banks

__all__ = ["warnings_of"]


def warnings_of(
    after: Mapping[str, Participant], changed: list[str], banks: Banks, day: date
) -> list[str]:
    """Return warnings, in words, on the bank codes of the participants named in *changed*.

    Args:
        after: all participants as they will be, by name.
        changed: names of those that change.
        banks: the table of banks in force.
        day: who holds which code on this day.
    """
    return list(_warnings(after, changed, banks, day))


def _warnings(
    after: Mapping[str, Participant], changed: list[str], banks: Banks, day: date
) -> Iterator[str]:
    owner = {code: one.name for one in after.values() for code in one.bank_codes}
    for name in changed:
        for code in after[name].bank_codes:
            try:
                bank = banks.holder(code, day).bank
            except IdentifierError as refusal:
                yield f"{name}: bank code {code}: {refusal.rule}: {refusal.hint}"
                continue
            if bank.code in after[name].bank_codes:
                continue
            other = owner.get(bank.code)
            holder = f"{other}, a participant" if other else "a bank that takes no part here"
            yield (
                f"{name}: bank code {code}: the table of banks gives it to {bank.code} "
                f"({bank.name_en}), {holder}: payments go where the table says"
            )
