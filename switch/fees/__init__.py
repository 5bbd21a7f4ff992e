"""Fee collection: what agencies charge, what a payer owes, and where the money goes."""

if __name__ != "payvand.switch.fees":
    raise ImportError("import payvand.switch.fees, not " + __name__)
