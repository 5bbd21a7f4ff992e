"""The settings of a switch process: what an operator may choose, with the bounds of each.

They come from a TOML file, from arguments, or both; an argument wins. Keys of the file are the
names of the fields:

    data = "/var/lib/payvand"
    listen = "0.0.0.0:7420"
    acceptance_deadline_s = 10
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_type_hints

from payvand.core.limits import SNAPSHOT_BYTES

__all__ = ["Settings", "SettingsError", "load"]

LISTEN = "127.0.0.1:7420"


class SettingsError(Exception):
    """A setting is wrong; nothing was started. The text names it and says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one switch process runs."""

    data: Path
    """The data folder: `journal`, `database` and `certificates` are in it."""
    listen: str = LISTEN
    """Where gRPC listens, `host:port`; port 0 takes any free one."""
    metrics_port: int = 0
    """Where Prometheus scrapes, on the host of `listen`; 0 takes any free port."""
    database: str = ""
    """The connection string of a PostgreSQL; empty for an embedded one in the data folder."""
    report_database: str = ""
    """With a database of your own, how its role `payvand_report` logs in, which runs the reports
    that operators save; empty for none."""
    certificates: Path | None = None
    """A folder with the switch's `ca.pem`, `certificate.pem` and `key.pem`; None makes those of
    a development authority in the data folder."""
    operators: Path | None = None
    """A folder of the first operators' certificates, each `NAME/certificate.pem`; None for those of
    the development authority in the data folder. Read while there are fewer than two operators."""
    rules: Path | None = None
    """The file of the scoring rules; None for those that come with Payvand."""
    snapshot_mib: int = SNAPSHOT_BYTES >> 20
    """A snapshot of the books is taken after so many MiB of journal, 0 to 1,048,576, and at least
    three times as many as the snapshot before has; 0 takes none."""
    settlement_rail: str = ""
    """The rail at whose cycles settlement windows are closed, for example `paya`; empty where
    operators alone close them."""
    acceptance_deadline_s: int = 10
    """How long a creditor's bank has for its answer, 1 to 86,400 seconds."""
    stop_grace_s: float = 10.0
    """How long calls under way may take once the switch was asked to stop, 0 to 600 seconds."""
    log_format: Literal["json", "console"] = "json"
    """Lines for machines or for people, on standard error."""

    def __post_init__(self) -> None:
        """Check every setting; raises `SettingsError` for the first that is wrong."""
        host, _, port = self.listen.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65_535:
            raise SettingsError(f"listen is {self.listen!r}: write host:port, port 0 to 65535")
        if not 0 <= self.metrics_port <= 65_535:
            raise SettingsError(f"metrics_port is {self.metrics_port}: write 0 to 65535")
        if not 1 <= self.acceptance_deadline_s <= 86_400:
            raise SettingsError(
                f"acceptance_deadline_s is {self.acceptance_deadline_s}: write 1 to 86400"
            )
        if not 0 <= self.snapshot_mib <= 1 << 20:
            raise SettingsError(f"snapshot_mib is {self.snapshot_mib}: write 0 to 1048576")
        if not 0 <= self.stop_grace_s <= 600:
            raise SettingsError(f"stop_grace_s is {self.stop_grace_s}: write 0 to 600")
        if self.log_format not in ("json", "console"):
            raise SettingsError(f"log_format is {self.log_format!r}: write json or console")

    @property
    def host(self) -> str:
        """The host part of `listen`."""
        return self.listen.rpartition(":")[0]

    @property
    def founders(self) -> Path:
        """The folder of the first operators' certificates."""
        return self.operators or self.data / "certificates"

    @property
    def journal(self) -> Path:
        """The folder of the journal."""
        return self.data / "journal"


def load(file: Path | None = None, **arguments: Any) -> Settings:
    """Return the settings of a TOML *file* and of *arguments*; those that are None are left out.

    Raises:
        SettingsError: the file can't be read, a key is unknown, or a value is wrong.
    """
    chosen: dict[str, Any] = {}
    if file is not None:
        try:
            chosen |= tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"the settings in {file} can't be read: {error}") from error
    chosen |= {name: value for name, value in arguments.items() if value is not None}
    known = {field.name for field in fields(Settings)}
    for name in chosen:
        if name not in known:
            raise SettingsError(f"there is no setting {name!r}; there are {', '.join(known)}")
    if "data" not in chosen:
        raise SettingsError('no data folder is given: write data = "…" or --data')
    return Settings(**_typed(chosen))


def _typed(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values in the types of the fields, or raise."""
    hints = get_type_hints(Settings)
    typed: dict[str, Any] = {}
    for name, value in chosen.items():
        if name in ("data", "certificates", "operators", "rules"):
            if not isinstance(value, str | Path):
                raise SettingsError(f"{name} is {value!r}: write a path")
            typed[name] = Path(value).expanduser()
        elif name == "stop_grace_s":
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise SettingsError(f"{name} is {value!r}: write a number of seconds")
            typed[name] = float(value)
        else:
            kind = hints[name] if isinstance(hints[name], type) else str
            if not isinstance(value, kind) or isinstance(value, bool):
                raise SettingsError(f"{name} is {value!r}: write {kind.__name__}")
            typed[name] = value
    return typed
