"""Why a text is not the identifier that it claims to be."""

__all__ = ["IdentifierError"]


class IdentifierError(ValueError):
    """A text broke a rule of its kind: `rule` is the rule's stable id, `hint` what to do about it.

    A rule's id is the kind and a word, for example `iban.check_digits`; each module lists its own
    in their order of precedence. The message never holds the text, which belongs to somebody.
    """

    def __init__(self, rule: str, hint: str) -> None:
        super().__init__(f"{rule}: {hint}")
        self.rule = rule
        self.hint = hint
