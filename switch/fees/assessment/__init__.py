"""What a payer owes: pure functions of a schedule, the facts of a case and a day."""

if __name__ != "payvand.switch.fees.assessment":
    raise ImportError("import payvand.switch.fees.assessment, not " + __name__)
