"""The inputs that are kept: for each target a file with a line of hexadecimal for each of them."""

from collections.abc import Iterable
from pathlib import Path

_FOLDER = Path(__file__).parent / "corpus"


def inputs(target: str) -> list[bytes]:
    """Return the inputs kept for a target."""
    lines = (_FOLDER / f"{target}.txt").read_text(encoding="ascii").splitlines()
    return [bytes.fromhex(line) for line in lines]


def keep(target: str, found: Iterable[bytes]) -> None:
    """Keep these inputs for a target, and no others."""
    lines = sorted({content.hex() for content in found}, key=lambda line: (len(line), line))
    text = "".join(f"{line}\n" for line in lines)
    (_FOLDER / f"{target}.txt").write_text(text, encoding="ascii")


def unpack(target: str, folder: Path) -> None:
    """Write each input into a file of its own, as libFuzzer reads them."""
    folder.mkdir()
    for number, content in enumerate(inputs(target)):
        (folder / str(number)).write_bytes(content)
