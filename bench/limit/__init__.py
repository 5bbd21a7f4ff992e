"""The limit of the machine: a plain C loop that does what any durable ledger has to do."""

if __name__ != "payvand.bench.limit":
    raise ImportError("import payvand.bench.limit, not " + __name__)
