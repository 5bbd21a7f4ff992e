"""Payment files as banks send them: ISO 20022 pain.001 and CSV."""

if __name__ != "payvand.switch.files":
    raise ImportError("import payvand.switch.files, not " + __name__)
