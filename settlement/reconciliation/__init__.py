"""Holding banks' files against the books: reading, matching, and what is left over."""

if __name__ != "payvand.settlement.reconciliation":
    raise ImportError("import payvand.settlement.reconciliation, not " + __name__)
