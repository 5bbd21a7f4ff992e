"""Walk a pain.001 file element by element in the memory of one chunk.

An instruction's elements are freed once its consumer asks for the next element; instructions and
payment informations that were passed are unlinked by the hundred. What may come between two of
them is bounded, so that a hostile file cannot fill the memory either. A document type is
refused before any element is looked at: entities and external subsets are the known ways to
attack a reader of XML, and no payment file needs them.

Elements are only ever removed *before* the one just walked: libxml2 is still building what
follows, often in the midst of it, and must not lose the node that it appends to.
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Literal

from lxml import etree

from payvand.switch.files.instruction import FileError

__all__ = ["Names", "PaymentXml"]

VERSION_MIN = 3
VERSION_MAX = 12
CHUNK_BYTES = 64 << 10
ROOT_BYTES_MAX = 1 << 20
"""The root element must begin within so many bytes."""
ELEMENT_BYTES_MAX = 16 << 20
"""The greatest distance between the ends of two instructions, headers or informations."""
UNLINK_EVERY = 256

_NAMESPACE = re.compile(r"pain\.001\.00\d\.(\d\d)(?!\d)")


class Names:
    """The qualified names of elements in one namespace, made when first asked for."""

    def __init__(self, namespace: str) -> None:
        self._prefix = f"{{{namespace}}}"

    def __getattr__(self, name: str) -> str:
        """Return the qualified name of the element *name*."""
        qualified = self._prefix + name
        setattr(self, name, qualified)
        return qualified


class PaymentXml:
    """A pain.001 file whose root was found good, about to be walked.

    Raises `FileError`, here and while walking: `file.not_xml`, `file.document_type`,
    `file.not_pain001`, `file.version`, `file.not_well_formed`, `file.truncated`,
    `file.element_too_large`.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._head, root = _read_root(source)
        if root.getroottree().docinfo.internalDTD is not None:
            raise FileError("file.document_type", "remove the DOCTYPE; no entities are read")
        name = etree.QName(root)
        namespace = name.namespace or ""
        version = _NAMESPACE.search(namespace)
        if name.localname != "Document" or version is None:
            raise FileError(
                "file.not_pain001",
                "the root must be a Document in a namespace of pain.001",
                line=root.sourceline or 0,
            )
        if not VERSION_MIN <= int(version[1]) <= VERSION_MAX:
            raise FileError(
                "file.version", f"versions {VERSION_MIN:02} to {VERSION_MAX} of pain.001 are read"
            )
        self.form = version[0]
        self.names = Names(namespace)

    def walk(self) -> Iterator[etree._Element]:
        """Yield each `GrpHdr`, `CdtTrfTxInf` and `PmtInf` when it has ended. Walk once only."""
        instruction, information = self.names.CdtTrfTxInf, self.names.PmtInf
        parser = _parser("end", (self.names.GrpHdr, instruction, information))
        instructions = informations = 0
        distance = 0
        chunk = self._head
        while chunk:
            _feed(parser, chunk)
            distance += len(chunk)
            for _, element in parser.read_events():
                distance = 0
                yield element
                if element.tag == instruction:
                    instructions += 1
                    _free(element, instructions)
                elif element.tag == information:
                    instructions = 0
                    informations += 1
                    _free(element, informations)
            if distance > ELEMENT_BYTES_MAX:
                raise FileError("file.element_too_large", f"over {ELEMENT_BYTES_MAX} bytes")
            chunk = self._source.read(CHUNK_BYTES)
        try:
            parser.close()
        except (etree.LxmlError, ValueError) as error:
            line = getattr(error, "lineno", 0) or 0
            hint = "the file ends in the middle; send it again"
            raise FileError("file.truncated", hint, line=line) from None


def _parser(event: Literal["start", "end"], tags: tuple[str, ...] | None) -> etree.XMLPullParser:
    return etree.XMLPullParser(
        events=(event,),
        tag=tags,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_blank_text=True,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )


def _read_root(source: BinaryIO) -> tuple[bytes, etree._Element]:
    """Return the bytes read until the root element began, and that element."""
    parser = _parser("start", None)
    head = b""
    while len(head) < ROOT_BYTES_MAX:
        chunk = source.read(CHUNK_BYTES)
        if not chunk:
            break
        head += chunk
        fault: FileError | None = None
        try:
            _feed(parser, chunk)
        except FileError as error:
            fault = error  # the root may have begun before the fault, and says more
        for _, element in parser.read_events():
            return head, element
        if fault is not None:
            raise FileError("file.not_xml", fault.hint, line=fault.line)
    raise FileError("file.not_xml", "no root element of XML was found")


def _feed(parser: etree.XMLPullParser, chunk: bytes) -> None:
    try:
        parser.feed(chunk)
    except (etree.LxmlError, LookupError, ValueError) as error:
        line = getattr(error, "lineno", 0) or 0
        hint = str(getattr(error, "msg", "") or error).partition("\n")[0][:200]
        raise FileError("file.not_well_formed", hint, line=line) from None


def _free(element: etree._Element, count: int) -> None:
    """Drop what *element* holds, and from time to time the elements before it.

    *count* elements of its kind were passed within its parent, so at least UNLINK_EVERY - 1 stand
    before it whenever the count is a multiple.
    """
    element.clear(keep_tail=True)
    if not count % UNLINK_EVERY:
        parent = element.getparent()
        if parent is not None:
            del parent[: UNLINK_EVERY - 1]
