"""Refunds: what goes back to a payer, and what each beneficiary gives back for it."""

if __name__ != "payvand.switch.fees.refunding":
    raise ImportError("import payvand.switch.fees.refunding, not " + __name__)
