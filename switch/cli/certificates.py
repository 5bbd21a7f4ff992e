"""`payvand certificates`: a development authority and the certificates of everybody, at once."""

from pathlib import Path

import click

from payvand.switch.certificates import holders
from payvand.switch.cli.display import named, padded
from payvand.switch.cli.options import as_json, data_option
from payvand.switch.cli.printing import print_json
from payvand.switch.directory_file import load
from payvand.switch.identity import Role
from payvand.switch.onboarding import issue_all

__all__ = ["certificates"]


@click.command()
@click.argument("names", metavar="[ROLE:NAME]...", nargs=-1)
@click.option(
    "--directory",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Issue to every participant of this directory file.",
)
@as_json
@data_option()
def certificates(names: tuple[str, ...], directory: Path | None, data: Path, as_json: bool) -> None:
    """Issue certificates: to the switch, to an operator, and to each ROLE:NAME.

    The first call makes the authority too. A certificate that still holds is kept, so the command
    may be repeated at will. Roles are bank, agency, agency-clerk, agency-approver, treasury,
    operator, auditor and switch; `bank:tejarat` gets DATA/certificates/tejarat, a person of an
    agency is `agency-clerk:sara@tax`. This authority is for development and trials: in production a
    bank keeps its key where it was made.
    """
    asked = [_parsed(name) for name in names]
    folder = data / "certificates"
    issue_all(folder, [*asked, *(_of_directory(directory) if directory else ())])
    held = holders(folder)
    if as_json:
        print_json(
            {name: {"role": role, "folder": str(folder / name)} for name, role in held.items()}
        )
        return
    for name, role in held.items():
        click.echo(f"{padded(named('role', role), 12)} {name:<24} {folder / name}")


def _of_directory(path: Path) -> list[tuple[str, Role]]:
    return [(entry.name, Role(entry.role)) for entry in load(path)]


def _parsed(text: str) -> tuple[str, Role]:
    role, _, name = text.partition(":")
    if role not in set(Role) or not name:
        raise click.BadParameter(
            f"{text!r} isn't ROLE:NAME with a role of {', '.join(Role)}", param_hint="ROLE:NAME"
        )
    return name, Role(role)
