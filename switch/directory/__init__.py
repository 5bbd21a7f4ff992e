"""The directory: which account stands behind a mobile number, a national id, a card or an IBAN."""

if __name__ != "payvand.switch.directory":
    raise ImportError("import payvand.switch.directory, not " + __name__)
