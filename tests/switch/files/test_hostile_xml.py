"""Files made to harm the reader end in a `FileError`, with nothing read, fetched or filled up."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payvand.switch.files import FileError, Instruction, LineError, open_payment_file
from tests.support.payment_files import Batch, Order, pain001_text

GOOD = pain001_text(Batch([Order("E1"), Order("E2")]), control_sum="2000")
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
GROWTH_MIB_MAX = 16
"""How much reading any file may add to a process that has imported what it takes."""

READ = """
import re, sys
from pathlib import Path
from payvand.switch.files import FileError, open_payment_file
# Of this program alone: getrusage would give the greater peak of the one that started it.
def peak_kib():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak_kib()
try:
    rule = ""
    count = sum(1 for _ in open_payment_file(sys.argv[1]).read())
except FileError as error:
    rule, count = error.rule, 0
print(rule, count, peak_kib() - before >> 10)
"""


def outcome(tmp_path: Path, content: str | bytes) -> list[Instruction | LineError] | FileError:
    path = tmp_path / "payments.xml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    try:
        return list(open_payment_file(path).read())
    except FileError as error:
        return error


def rule(tmp_path: Path, content: str | bytes) -> str:
    result = outcome(tmp_path, content)
    assert isinstance(result, FileError), result
    return result.rule


def read_alone(path: Path) -> tuple[str, int]:
    """Read the file in a process of its own; return the rule it breaks and how many it holds."""
    run = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True
    )
    *rule, count, growth_mib = run.stdout.split()
    assert int(growth_mib) < GROWTH_MIB_MAX
    return "".join(rule), int(count)


def with_document_type(document_type: str, text: str = GOOD) -> str:
    return text.replace(DECLARATION, f"{DECLARATION}{document_type}\n")


@pytest.mark.parametrize(
    "document_type",
    [
        "<!DOCTYPE Document>",
        '<!DOCTYPE Document SYSTEM "payments.dtd">',
        '<!DOCTYPE Document PUBLIC "-//X//Y" "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE Document [<!ENTITY e "1000">]>',
        '<!DOCTYPE Document [<!ENTITY e SYSTEM "secret.txt">]>',
        '<!DOCTYPE Document [<!ENTITY % p SYSTEM "secret.dtd"> %p;]>',
        '<!DOCTYPE Document [<!ATTLIST Document a CDATA "x">]>',
    ],
)
def test_a_document_type_is_refused(tmp_path: Path, document_type: str) -> None:
    (tmp_path / "secret.txt").write_text("1000")
    (tmp_path / "secret.dtd").write_text('<!ENTITY e "1000">')
    text = GOOD.replace(">1000<", ">&e;<")
    assert rule(tmp_path, with_document_type(document_type)) == "file.document_type"
    assert rule(tmp_path, with_document_type(document_type, text)) == "file.document_type"


def test_an_entity_that_nobody_declared_is_refused(tmp_path: Path) -> None:
    assert rule(tmp_path, GOOD.replace("Payee", "&nbsp;")) == "file.not_well_formed"


@pytest.mark.parametrize("where", ["text", "attribute"])
def test_a_billion_laughs_cost_nothing(tmp_path: Path, where: str) -> None:
    entities = '<!ENTITY l0 "ha">' + "".join(
        f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 12)
    )
    document_type = f"<!DOCTYPE Document [{entities}]>"
    text = GOOD.replace("Payee", "&l11;")
    if where == "attribute":
        text = GOOD.replace("<Document ", '<Document laugh="&l11;" ')
    path = tmp_path / "payments.xml"
    path.write_text(with_document_type(document_type, text))
    assert read_alone(path)[0] in ("file.document_type", "file.not_xml")


def test_a_document_type_without_end_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "payments.xml"
    path.write_text(f"{DECLARATION}<!DOCTYPE Document [" + "<!-- more -->" * 400_000)
    assert read_alone(path) == ("file.not_xml", 0)


def test_what_stands_between_instructions_is_not_kept(tmp_path: Path) -> None:
    junk = f"<X>{'y' * 1_000_000}</X>"
    text = GOOD.replace("<CdtTrfTxInf>", junk + "<CdtTrfTxInf>")
    text = text.replace("<PmtInf>", junk + "<PmtInf>").replace(DECLARATION, "")
    head, tail = text.split(junk + "<PmtInf>")
    information = junk + "<PmtInf>" + tail.split("</CstmrCdtTrfInitn>")[0]
    head = head.replace(">2<", ">80<").replace(">2000<", ">80000<")
    path = tmp_path / "payments.xml"
    with path.open("w") as file:
        file.write(head)
        for _ in range(40):
            file.write(information)
        file.write("</CstmrCdtTrfInitn></Document>")
    assert path.stat().st_size > 100 << 20
    assert read_alone(path) == ("", 80)


def test_an_element_without_end_is_given_up(tmp_path: Path) -> None:
    many = "<X>" + "<Y/>" * 10_000_000
    text = GOOD.replace("</PmtInf>", f"{many}</X></PmtInf>")
    assert rule(tmp_path, text) == "file.element_too_large"


@pytest.mark.parametrize(
    "content",
    [
        GOOD.replace("Payee", "<X>" * 100_000),
        GOOD.replace("Payee", "y" * (11 << 20)),
        GOOD.replace("<Nm>Payee", f'<Nm a="{"y" * (11 << 20)}">Payee'),
        GOOD.replace("Payee", "<" + "n" * 100_000 + "/>"),
        GOOD.replace("Payee", "&#0;"),
        GOOD.replace("Payee", "&#xD800;"),
        GOOD.replace("Payee", "\x01"),
        GOOD.replace("<Nm>Payee", '<Nm a="1" a="2">Payee'),
        GOOD.replace("</Document>", "</Document><Document/>"),
        GOOD.replace("</Nm>", "</Name>"),
    ],
    ids=[
        "deep",
        "long text",
        "long attribute",
        "long name",
        "null character",
        "surrogate",
        "control character",
        "attribute twice",
        "two roots",
        "crossed tags",
    ],
)
def test_what_is_not_well_formed_or_beyond_the_parsers_bounds_is_refused(
    tmp_path: Path, content: str
) -> None:
    assert rule(tmp_path, content) == "file.not_well_formed"


@pytest.mark.parametrize(
    "content",
    [
        GOOD.replace("Payee", "علی").encode("utf-8").replace("علی".encode(), b"\xff\xfe"),
        GOOD.replace("Payee", "علي").encode("windows-1256"),
        GOOD.replace("UTF-8", "UTF-16").encode(),
        GOOD.replace("UTF-8", "no-such-code").encode(),
        GOOD.encode("utf-16").removeprefix(b"\xff\xfe") + b"\0",
    ],
    ids=["bytes", "windows", "says UTF-16", "unknown", "odd"],
)
def test_a_wrong_encoding_is_refused_or_read_rightly(tmp_path: Path, content: bytes) -> None:
    result = outcome(tmp_path, content)
    if isinstance(result, FileError):
        assert result.rule in ("file.not_well_formed", "file.not_xml", "file.truncated")
    else:  # libxml2 believes the bytes where the declaration contradicts them
        assert result == outcome(tmp_path, GOOD)


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    content = GOOD.rstrip().encode()
    for length in range(len(content)):
        assert rule(tmp_path, content[:length]) in (
            "file.truncated",
            "file.not_xml",
            "file.empty",
            "file.form",
        )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    st.lists(
        st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 40), st.binary(max_size=6)),
        min_size=1,
        max_size=3,
    )
)
def test_no_damage_ends_in_anything_but_a_well_defined_result(
    tmp_path: Path, damages: list[tuple[int, int, bytes]]
) -> None:
    content = bytearray(GOOD.encode())
    for start, length, replacement in damages:
        content[start : start + length] = replacement
    result = outcome(tmp_path, bytes(content))
    if not isinstance(result, FileError):
        assert 0 < len(result) <= 2
