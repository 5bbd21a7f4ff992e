"""Settings: from a file, from arguments, checked one by one before anything is started."""

from pathlib import Path
from typing import Any

import pytest

from payvand.switch.config import Settings, SettingsError, load


def test_an_argument_wins_over_the_file_and_the_file_over_what_is_usual(tmp_path: Path) -> None:
    file = tmp_path / "payvand.toml"
    file.write_text(
        'data = "/var/lib/payvand"\nlisten = "0.0.0.0:1"\nacceptance_deadline_s = 20\n'
        'stop_grace_s = 3\ncertificates = "/etc/payvand"\n'
    )
    settings = load(file, listen="127.0.0.1:2", metrics_port=None)
    assert settings == Settings(
        data=Path("/var/lib/payvand"),
        listen="127.0.0.1:2",
        acceptance_deadline_s=20,
        stop_grace_s=3.0,
        certificates=Path("/etc/payvand"),
    )
    assert settings.host == "127.0.0.1"
    assert settings.journal == Path("/var/lib/payvand/journal")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "no data folder"),
        ({"data": 5}, "data is 5"),
        ({"listen": "7420"}, "listen is '7420'"),
        ({"listen": "host:70000"}, "port 0 to 65535"),
        ({"listen": 7420}, "listen is 7420: write str"),
        ({"metrics_port": -1}, "metrics_port is -1"),
        ({"metrics_port": "5"}, "metrics_port is '5': write int"),
        ({"metrics_port": True}, "metrics_port is True"),
        ({"acceptance_deadline_s": 0}, "acceptance_deadline_s is 0"),
        ({"acceptance_deadline_s": 86_401}, "1 to 86400"),
        ({"stop_grace_s": -1}, "stop_grace_s is -1"),
        ({"stop_grace_s": "soon"}, "write a number of seconds"),
        ({"log_format": "xml"}, "write json or console"),
        ({"colour": "red"}, "there is no setting 'colour'"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_write(arguments: dict[str, Any], words: str) -> None:
    given = {"data": Path("data")} | arguments if arguments else {}
    with pytest.raises(SettingsError, match=words):
        load(**given)


@pytest.mark.parametrize("content", ["data = ", "\udcff"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "payvand.toml"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError, match=r"payvand\.toml can't be read"):
        load(file)
    with pytest.raises(SettingsError, match="can't be read"):
        load(tmp_path / "missing.toml")
