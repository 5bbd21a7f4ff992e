"""The development authority: what it issues, and that it keeps what still holds."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from payvand.switch.certificates import (
    RENEWAL,
    VALIDITY,
    CertificateFault,
    holders,
    issue,
    make_authority,
)
from payvand.switch.identity import Role

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def certificate_of(home: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((home / "certificate.pem").read_bytes())


def names_of(home: Path) -> x509.SubjectAlternativeName:
    return (
        certificate_of(home).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    )


@pytest.mark.parametrize("role", list(Role))
def test_a_certificate_names_its_role_and_holder_and_is_signed_by_the_authority(
    tmp_path: Path, role: Role
) -> None:
    home = issue(tmp_path, "tejarat", role, now=NOW)
    authority = make_authority(tmp_path, now=NOW)
    certificate_of(home).verify_directly_issued_by(authority.certificate)
    uris = names_of(home).get_values_for_type(x509.UniformResourceIdentifier)
    assert uris == [f"urn:payvand:{role}:tejarat"]
    assert holders(tmp_path) == {"tejarat": role}
    lifetime = certificate_of(home).not_valid_after_utc - certificate_of(home).not_valid_before_utc
    assert lifetime == VALIDITY


def test_only_the_switch_is_named_by_host(tmp_path: Path) -> None:
    switch = names_of(issue(tmp_path, "switch", Role.SWITCH, now=NOW))
    bank = names_of(issue(tmp_path, "melli", Role.BANK, now=NOW))
    assert switch.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(ip) for ip in switch.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert not bank.get_values_for_type(x509.DNSName)


def test_every_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    issue(tmp_path, "melli", Role.BANK, now=NOW)
    keys = sorted(tmp_path.glob("*/key.pem"))
    assert [key.parent.name for key in keys] == ["authority", "melli"]
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_what_still_holds_is_kept(tmp_path: Path) -> None:
    home = issue(tmp_path, "melli", Role.BANK, now=NOW)
    before = {path.name: path.read_bytes() for path in home.iterdir()}
    assert set(before) == {"ca.pem", "certificate.pem", "key.pem"}
    later = NOW + VALIDITY - RENEWAL - timedelta(days=1)
    issue(tmp_path, "melli", Role.BANK, now=later)
    assert {path.name: path.read_bytes() for path in home.iterdir()} == before


@pytest.mark.parametrize("spoiled", ["role", "age", "key", "authority"])
def test_what_no_longer_holds_is_issued_anew(tmp_path: Path, spoiled: str) -> None:
    home = issue(tmp_path, "melli", Role.BANK, now=NOW)
    serial = certificate_of(home).serial_number
    other = issue(tmp_path / "elsewhere", "melli", Role.BANK, now=NOW)
    role, now = Role.BANK, NOW
    match spoiled:
        case "role":
            role = Role.AGENCY
        case "age":
            now = NOW + VALIDITY - RENEWAL
        case "key":
            (home / "key.pem").write_bytes((other / "key.pem").read_bytes())
        case "authority":
            for path in other.iterdir():
                (home / path.name).write_bytes(path.read_bytes())
    assert issue(tmp_path, "melli", role, now=now) == home
    assert certificate_of(home).serial_number != serial
    authority = make_authority(tmp_path, now=now)
    certificate_of(home).verify_directly_issued_by(authority.certificate)


@pytest.mark.parametrize("name", ["", "Melli", "../melli", "a" * 33, "-melli", "authority", "a:b"])
def test_a_name_that_is_no_short_name_gets_no_certificate(tmp_path: Path, name: str) -> None:
    with pytest.raises(CertificateFault, match="can't name a certificate"):
        issue(tmp_path, name, Role.BANK, now=NOW)
    assert not list(tmp_path.rglob("key.pem"))


def test_an_authority_that_would_end_first_signs_nothing(tmp_path: Path) -> None:
    make_authority(tmp_path, now=NOW)
    with pytest.raises(CertificateFault, match="issue every certificate anew"):
        issue(tmp_path, "melli", Role.BANK, now=NOW + timedelta(days=3600))
