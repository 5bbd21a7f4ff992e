"""Events of bills: a stream for each agency from its cursor, and webhooks on the same."""

if __name__ != "payvand.switch.fees.events":
    raise ImportError("import payvand.switch.fees.events, not " + __name__)
