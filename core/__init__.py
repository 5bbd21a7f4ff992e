"""The books: records, ledger state machine, journal and commit engine."""

if __name__ != "payvand.core":
    raise ImportError("import payvand.core, not " + __name__)
