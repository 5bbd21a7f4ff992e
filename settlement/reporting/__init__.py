"""Reports: questions to the documented views, and their answers as tables, files and pages."""

if __name__ != "payvand.settlement.reporting":
    raise ImportError("import payvand.settlement.reporting, not " + __name__)
