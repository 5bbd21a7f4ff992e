"""The signing key is made once, is its owner's alone, and its public half can be handed out."""

from pathlib import Path

import pytest

from payvand.switch.day_key import DayKeyFault, day_key, public_day_key, read_public_key


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    key = day_key(tmp_path)
    assert (tmp_path / "keys" / "day.pem").stat().st_mode & 0o777 == 0o600
    assert day_key(tmp_path).private_bytes_raw() == key.private_bytes_raw()


def test_the_public_key_reads_from_its_file_and_from_digits(tmp_path: Path) -> None:
    assert public_day_key(tmp_path) == b""
    public = day_key(tmp_path).public_key().public_bytes_raw()
    assert public_day_key(tmp_path) == public
    assert read_public_key(public.hex()) == public


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n"])
def test_what_is_no_key_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    with pytest.raises(DayKeyFault, match="key"):
        read_public_key(str(path))
    with pytest.raises(DayKeyFault):
        read_public_key("zz" * 32)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "day.pem").write_bytes(content)
    with pytest.raises(DayKeyFault, match="can't be used"):
        day_key(tmp_path)
