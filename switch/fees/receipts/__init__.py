"""Receipts: numbered without gaps, signed, and provable against a closed day."""

if __name__ != "payvand.switch.fees.receipts":
    raise ImportError("import payvand.switch.fees.receipts, not " + __name__)
