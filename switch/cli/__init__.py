"""The `payvand` command: one module for each command, imported when it is called.

Every command has --help, prints for people or with --json for scripts, and shows progress on
standard error. Exit codes: 0 fine; 1 the answer is no (a proof failed, an instruction was refused);
2 wrong usage; 3 a fault of operation.
"""

if __name__ != "payvand.switch.cli":
    raise ImportError("import payvand.switch.cli, not " + __name__)

import os
from dataclasses import replace
from importlib import import_module
from typing import Any, Final

import click

from payvand.switch.cli.display import Calendar, Display
from payvand.switch.cli.faults import exit_code_of
from payvand.switch.cli.persian_help import PersianFormatter, in_persian, tell_usage
from payvand.switch.names.catalogue import Language

__all__ = ["main"]

# grpc's care for processes that fork without exec, which none of ours does, only makes noise.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

LANGUAGE_VARIABLE: Final = "PAYVAND_LANG"

COMMANDS: Final = {
    "serve": ("payvand.switch.cli.serve", "serve"),
    "demo": ("payvand.switch.cli.demo", "demo"),
    "submit": ("payvand.switch.cli.submit", "submit"),
    "status": ("payvand.switch.cli.status", "status"),
    "availability": ("payvand.switch.cli.availability", "availability"),
    "signatures": ("payvand.switch.cli.signatures", "signatures"),
    "participants": ("payvand.switch.cli.participants", "participants"),
    "fund": ("payvand.switch.cli.fund", "fund"),
    "settle": ("payvand.switch.cli.settle", "settle"),
    "close-day": ("payvand.switch.cli.close_day", "close_day"),
    "windows": ("payvand.switch.cli.windows", "windows"),
    "statement": ("payvand.switch.cli.statement", "statement"),
    "position": ("payvand.switch.cli.position", "position"),
    "limits": ("payvand.switch.cli.limits", "limits"),
    "directory": ("payvand.switch.cli.directory", "directory"),
    "files": ("payvand.switch.cli.files", "files"),
    "stuck": ("payvand.switch.cli.stuck", "stuck"),
    "reports": ("payvand.switch.cli.reports", "reports"),
    "reconcile": ("payvand.switch.cli.reconcile", "reconcile"),
    "totals": ("payvand.switch.cli.totals", "totals"),
    "verify": ("payvand.switch.cli.verify", "verify"),
    "prove": ("payvand.switch.cli.prove", "prove"),
    "check-proof": ("payvand.switch.cli.check_proof", "check_proof"),
    "receipt": ("payvand.switch.cli.receipt", "receipt"),
    "keys": ("payvand.switch.cli.keys", "keys"),
    "certificates": ("payvand.switch.cli.certificates", "certificates"),
    "approvals": ("payvand.switch.cli.approvals", "approvals"),
    "data": ("payvand.switch.cli.data", "data"),
    "fees": ("payvand.switch.cli.fees", "fees"),
    "sandbox-bank": ("payvand.switch.cli.sandbox_bank", "sandbox_bank"),
    "redenomination": ("payvand.switch.cli.redenomination", "redenomination"),
    "routing": ("payvand.switch.cli.routing", "routing"),
    "bench": ("payvand.bench.cli", "bench"),
}
"""Module and attribute of each command, in the order in which `payvand --help` lists them."""


class _Commands(click.Group):
    """The commands, of which only the one that is called is imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command, or return None where there is none of the name."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return in_persian(command) if _display_of(ctx).is_persian else command

    def get_help(self, ctx: click.Context) -> str:
        """Return the help in the caller's language."""
        if not _display_of(ctx).is_persian:
            return super().get_help(ctx)
        formatter = PersianFormatter(width=ctx.terminal_width, max_width=ctx.max_content_width)
        in_persian(self).format_help(ctx, formatter)
        return formatter.getvalue().rstrip("\n")

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a fault of operation ends with its message and its hint."""
        try:
            return super().invoke(ctx)
        except click.ClickException as fault:
            if not _display_of(ctx).is_persian:
                raise
            tell_usage(fault)
            ctx.exit(fault.exit_code)
        except Exception as fault:
            code = exit_code_of(fault)
            if code is None:
                raise
            ctx.exit(code)


def _display_of(ctx: click.Context) -> Display:
    """Return what the caller asked for; help may be asked for before the options are read."""
    if isinstance(ctx.obj, Display):
        return ctx.obj
    language = os.environ.get(LANGUAGE_VARIABLE, "")
    return Display(Language(language) if language in list(Language) else Language.EN)


def _ask_language(ctx: click.Context, _: click.Parameter, value: str) -> None:
    ctx.obj = replace(_display_of(ctx), language=Language(value))


def _ask_calendar(ctx: click.Context, _: click.Parameter, value: str) -> None:
    ctx.obj = replace(_display_of(ctx), calendar=Calendar(value))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="payvand", prog_name="payvand")
@click.option(
    "--lang",
    type=click.Choice([one.value for one in Language]),
    default=Language.EN.value,
    envvar=LANGUAGE_VARIABLE,
    show_envvar=True,
    show_default=True,
    is_eager=True,
    expose_value=False,
    callback=_ask_language,
    help="In which language people are told.",
)
@click.option(
    "--calendar",
    type=click.Choice([one.value for one in Calendar]),
    default=Calendar.GREGORIAN.value,
    envvar="PAYVAND_CALENDAR",
    show_envvar=True,
    show_default=True,
    is_eager=True,
    expose_value=False,
    callback=_ask_calendar,
    help="By which calendar moments are shown; hijri is Solar Hijri, by Tehran's clock.",
)
def main() -> None:
    """Run a payments switch, and use one.

    Start with `payvand demo`: a whole day of payments on this machine. A switch of your own is
    `payvand serve`; what it says of itself, the other commands ask.
    """
