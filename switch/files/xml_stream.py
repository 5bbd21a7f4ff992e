"""Walk a pain.001 file element by element in the memory of one chunk.

An instruction's elements are freed once its consumer asks for the next element; what stands before
it is unlinked by the hundred, or sooner where it is large. What may come between two of
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

VERSION_MIN = 2
VERSION_MAX = 12
CHUNK_BYTES = 64 << 10
ROOT_BYTES_MAX = 1 << 20
"""The root element must begin within so many bytes."""
ELEMENT_BYTES_MAX = 16 << 20
"""The greatest distance between the ends of two instructions, headers or informations."""
UNLINK_EVERY = 256
"""How many elements of a kind are passed before those in front are unlinked,"""
UNLINK_BYTES = 1 << 20
"""or how many bytes, where something large stands between them."""

UNDECLARED_ENTITY = etree.ErrorTypes.ERR_UNDECLARED_ENTITY

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
    `file.structure`, `file.element_too_large`.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._head, root = _read_root(source)
        if root.getroottree().docinfo.internalDTD is not None:
            raise FileError("file.document_type", "remove the DOCTYPE; no entities are read")
        not_pain001 = FileError(
            "file.not_pain001",
            "the root must be a Document in a namespace of pain.001",
            line=root.sourceline or 0,
        )
        try:
            name = etree.QName(root)
        except ValueError:  # A brace in the namespace, in which lxml writes names.
            raise not_pain001 from None
        namespace = name.namespace or ""
        version = _NAMESPACE.search(namespace)
        if name.localname != "Document" or version is None:
            raise not_pain001
        if not VERSION_MIN <= int(version[1]) <= VERSION_MAX:
            raise FileError(
                "file.version", f"versions {VERSION_MIN:02} to {VERSION_MAX} of pain.001 are read"
            )
        self.form = version[0]
        self.names = Names(namespace)
        # Version 02 named the message's element after itself.
        self.message = self.form if int(version[1]) == 2 else "CstmrCdtTrfInitn"
        self._message = getattr(self.names, self.message)

    def walk(self) -> Iterator[etree._Element]:
        """Yield each `GrpHdr`, `CdtTrfTxInf` and `PmtInf` when it has ended. Walk once only.

        The group header comes first and once, and everything stands where the standard puts it.
        """
        names = self.names
        parser = _parser("end", (names.GrpHdr, names.CdtTrfTxInf, names.PmtInf))
        passed = {tag: _Passed() for tag in (names.GrpHdr, names.CdtTrfTxInf, names.PmtInf)}
        headers = passed[names.GrpHdr]
        fed = distance = 0
        chunk = self._head
        while chunk:
            _feed(parser, chunk)
            fed += len(chunk)
            distance += len(chunk)
            for _, element in parser.read_events():
                distance = 0
                self._check_place(element, headers.elements)
                yield element
                element.clear(keep_tail=True)
                passed[str(element.tag)].add(element, fed)
            if distance > ELEMENT_BYTES_MAX:
                raise FileError("file.element_too_large", f"over {ELEMENT_BYTES_MAX} bytes")
            chunk = self._source.read(CHUNK_BYTES)
        try:
            parser.close()
        except (etree.LxmlError, ValueError) as error:
            # libxml2 finds an unknown entity at once, but lxml speaks of it at the end only.
            for entry in parser.feed_error_log.filter_types(UNDECLARED_ENTITY):
                raise FileError("file.not_well_formed", entry.message, line=entry.line) from None
            line = getattr(error, "lineno", 0) or 0
            hint = "the file ends in the middle; send it again"
            raise FileError("file.truncated", hint, line=line) from None
        if not headers.elements:
            hint = f"{self.message} holds no GrpHdr in the namespace of the Document"
            raise FileError("file.structure", hint)

    def _check_place(self, element: etree._Element, headers: int) -> None:
        """Raise `FileError` where *element* stands where it does not belong."""
        line = element.sourceline or 0
        is_header = element.tag == self.names.GrpHdr
        if is_header == bool(headers):
            hint = "there is one GrpHdr, and it comes before PmtInf"
            raise FileError("file.structure", hint, line=line)
        parent = element.getparent()
        assert parent is not None  # only the root has none, and it is a Document
        if element.tag == self.names.CdtTrfTxInf:
            if parent.tag != self.names.PmtInf:
                raise FileError("file.structure", "CdtTrfTxInf belongs into PmtInf", line=line)
            return
        document = parent.getparent()
        if parent.tag != self._message or document is None or document.getparent() is not None:
            name = "GrpHdr" if is_header else "PmtInf"
            hint = f"{name} belongs into {self.message}, and that into the Document"
            raise FileError("file.structure", hint, line=line)


class _Passed:
    """How many elements of one kind were passed, and when those before were last unlinked."""

    def __init__(self) -> None:
        self.elements = 0
        self._unlinked_at = 0

    def add(self, element: etree._Element, fed: int) -> None:
        """Count *element*, after *fed* bytes of the file, and unlink before it if it is time."""
        self.elements += 1
        if self.elements % UNLINK_EVERY and fed - self._unlinked_at < UNLINK_BYTES:
            return
        self._unlinked_at = fed
        parent = element.getparent()
        if parent is not None:
            del parent[: parent.index(element)]


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
