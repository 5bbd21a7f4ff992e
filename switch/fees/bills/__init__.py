"""Bills: what agencies ask of payers, and how each stands."""

if __name__ != "payvand.switch.fees.bills":
    raise ImportError("import payvand.switch.fees.bills, not " + __name__)
