"""`payvand keys`: show the public key that business days are signed with."""

from pathlib import Path

import click

from payvand.switch.cli.options import as_json, data_option
from payvand.switch.cli.printing import print_json
from payvand.switch.day_key import day_key, public_key_pem

__all__ = ["keys"]


@click.command()
@as_json
@data_option()
def keys(data: Path, as_json: bool) -> None:
    """Show the public key that a data folder's business days are signed with.

    The key pair is made where there is none; the private key stays in DATA/keys.
    """
    public = day_key(data).public_key()
    if as_json:
        print_json({"public_key": public.public_bytes_raw().hex(), "pem": public_key_pem(public)})
    else:
        click.echo(public_key_pem(public) + public.public_bytes_raw().hex())
