"""`payvand fees`: what agencies charge, what a case costs, bills and what becomes of them."""

if __name__ != "payvand.switch.cli.fees":
    raise ImportError("import payvand.switch.cli.fees, not " + __name__)

import click

from payvand.switch.cli.fees.assess import assess
from payvand.switch.cli.fees.bills import bills
from payvand.switch.cli.fees.catalogue import catalogue
from payvand.switch.cli.fees.devices import devices
from payvand.switch.cli.fees.forecast import forecast
from payvand.switch.cli.fees.report import report
from payvand.switch.cli.fees.what_if import what_if

__all__ = ["fees"]


@click.group()
def fees() -> None:
    """Collect fees: the catalogue of what agencies charge, and what a case costs."""


for _command in (catalogue, assess, what_if, bills, devices, report, forecast):
    fees.add_command(_command)
