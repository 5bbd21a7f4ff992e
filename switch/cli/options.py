"""The options that commands share: which switch, as whom, and in what form to answer."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import click

from payvand.client import Bank, Devices, FeeOffice, Operator
from payvand.switch.onboarding import OPERATOR

__all__ = [
    "ADDRESS_FILE",
    "OPERATOR",
    "PATIENCE_S",
    "Door",
    "as_json",
    "data_option",
    "door_options",
    "listening_at",
    "switch_options",
]

ADDRESS: Final = "127.0.0.1:7420"
ADDRESS_FILE: Final = "address.json"
"""In a data folder while a switch runs on it: where it listens."""
DATA: Final = Path("payvand-data")
PATIENCE_S: Final = 5.0
"""Somebody waits at a terminal: a switch that doesn't answer by then is told of."""

Caller = Literal["operator", "participant", "anybody"]
"""Who may give a command."""

Command = TypeVar("Command", bound=Callable[..., Any])

as_json: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def data_option(default: Path = DATA) -> Callable[[Command], Command]:
    """Return the option --data."""
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        default=default,
        show_default=True,
        envvar="PAYVAND_DATA",
        show_envvar=True,
        help="The switch's data folder.",
    )


@dataclass(frozen=True, slots=True)
class Door:
    """Where the switch is, and the certificates to go to it with."""

    address: str
    certificates: Path

    @property
    def holder(self) -> str:
        """Whose certificates they are, by the folder's name."""
        return self.certificates.name

    def operator(self) -> Operator:
        """Connect as an operator."""
        return Operator.connect(self.address, self.certificates, patience_s=PATIENCE_S)

    def bank(self) -> Bank:
        """Connect as a bank or a government service."""
        return Bank.connect(self.address, self.certificates, patience_s=PATIENCE_S)

    def fee_office(self) -> FeeOffice:
        """Connect as somebody who deals with fees."""
        return FeeOffice.connect(self.address, self.certificates, patience_s=PATIENCE_S)

    def devices(self) -> Devices:
        """Connect as an agency or its people, for devices."""
        return Devices.connect(self.address, self.certificates, patience_s=PATIENCE_S)


def door_options(*, caller: Caller = "operator") -> Callable[[Callable[..., Any]], Any]:
    """Return the options that lead to a switch; the command gets them as one `door`.

    The caller is an operator; or a participant, named by --as; or anybody, who is an operator
    without --as.
    """

    def wrap(command: Callable[..., Any]) -> Any:
        def open_door(
            address: str | None,
            certificates: Path | None,
            data: Path,
            holder: str | None = None,
            **rest: Any,
        ) -> Any:
            if certificates is None and holder is None:
                if caller == "participant":
                    raise click.UsageError("say who you are with --as NAME or --certificates")
                holder = OPERATOR
            folder = certificates or data / "certificates" / str(holder)
            return command(door=Door(address or listening_at(data), folder), **rest)

        update_wrapper(open_door, command)  # With it goes what click was told of before.
        return switch_options(named=caller != "operator")(open_door)

    return wrap


def switch_options(*, named: bool) -> Callable[[Callable[..., Any]], Any]:
    """Return the options --address, --certificates, --data and, where *named*, --as."""
    options = [
        click.option(
            "--address",
            metavar="HOST:PORT",
            envvar="PAYVAND_ADDRESS",
            show_envvar=True,
            help=f"Where the switch listens; what the data folder says, or {ADDRESS}.",
        ),
        click.option(
            "--certificates",
            type=click.Path(file_okay=False, path_type=Path),
            envvar="PAYVAND_CERTIFICATES",
            show_envvar=True,
            help="Your folder of ca.pem, certificate.pem and key.pem; in the data folder by name.",
        ),
        data_option(),
    ]
    if named:
        options.append(
            click.option(
                "--as",
                "holder",
                metavar="NAME",
                help="Who you are: your certificate's name.",
            )
        )

    def wrap(command: Callable[..., Any]) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return wrap


def listening_at(data: Path) -> str:
    """Return where the switch of a data folder listens, or the usual address."""
    try:
        return str(json.loads((data / ADDRESS_FILE).read_text(encoding="utf-8"))["address"])
    except (OSError, ValueError, KeyError):
        return ADDRESS
