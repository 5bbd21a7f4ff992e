"""Everything after the reply: windows, netting, statements, the projection to PostgreSQL."""

if __name__ != "payvand.settlement":
    raise ImportError("import payvand.settlement, not " + __name__)
