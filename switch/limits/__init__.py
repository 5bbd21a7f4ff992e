"""Limits of participants: set by two operators, held in the ledger, watched as they fill."""

if __name__ != "payvand.switch.limits":
    raise ImportError("import payvand.switch.limits, not " + __name__)
