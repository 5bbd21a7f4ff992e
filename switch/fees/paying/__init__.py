"""Paying bills: one debit, and a share for each beneficiary, in one commit."""

if __name__ != "payvand.switch.fees.paying":
    raise ImportError("import payvand.switch.fees.paying, not " + __name__)
