"""Names in Persian and English: of states, statuses, reasons, kinds, and the words of reports."""

if __name__ != "payvand.switch.names":
    raise ImportError("import payvand.switch.names, not " + __name__)
