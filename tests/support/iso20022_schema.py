"""Hold messages against the schemas of ISO 20022, as the classes generated from them say.

The package pyiso20022 has a class for every type of every message, generated from the official
schemas. Reading a message into them refuses unknown elements and missing required ones; written
again from them it has the schema's order, which must be ours; and lengths, patterns and digits are
checked field by field.
"""

import importlib
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from lxml import etree
from xsdata.formats.dataclass.context import XmlContext
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig
from xsdata.formats.dataclass.serializers import XmlSerializer

__all__ = ["violations"]

_STRICT = ParserConfig(
    fail_on_unknown_properties=True,
    fail_on_unknown_attributes=True,
    fail_on_converter_warnings=True,
)
_context = XmlContext()


def violations(content: bytes) -> list[str]:
    """Return how a message departs from its schema; empty where it doesn't."""
    root = etree.fromstring(content)
    name = etree.QName(root).namespace.rpartition(":")[2]
    module = importlib.import_module(f"pyiso20022.{name[:4]}.{name.replace('.', '_')}")
    try:
        document = XmlParser(_STRICT, _context).from_bytes(content, module.Document)
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    wrong = list(_broken(document, "Document"))
    again = XmlSerializer(_context).render(document, {None: etree.QName(root).namespace})
    ours = [element.tag for element in root.iter(etree.Element)]
    theirs = [element.tag for element in etree.fromstring(again.encode()).iter(etree.Element)]
    if ours != theirs:
        wrong.append("the elements aren't in the schema's order")
    return wrong


def _broken(value: Any, path: str) -> Iterator[str]:
    """Walk the fields of a message's types and check what the schema says of each."""
    for field in fields(value):
        rules = field.metadata
        content = getattr(value, field.name)
        place = f"{path}/{rules.get('name', field.name)}"
        items = content if isinstance(content, list) else [content] if content is not None else []
        if rules.get("required") and not items:
            yield f"{place} is missing"
        if len(items) < rules.get("min_occurs", 0):
            yield f"{place} occurs {len(items)} times"
        for item in items:
            if is_dataclass(item):
                yield from _broken(item, place)
            else:
                yield from _broken_value(
                    item.value if isinstance(item, Enum) else item, rules, place
                )


def _broken_value(item: Any, rules: Any, place: str) -> Iterator[str]:
    text = str(item)
    if len(text) < rules.get("min_length", 0) or len(text) > rules.get("max_length", len(text)):
        yield f"{place} has {len(text)} characters"
    if "pattern" in rules and not re.fullmatch(rules["pattern"], text):
        yield f"{place}: {text!r} isn't {rules['pattern']}"
    if isinstance(item, Decimal):
        _, digits, exponent = item.as_tuple()
        assert isinstance(exponent, int)
        if len(digits) > rules.get("total_digits", len(digits)):
            yield f"{place} has {len(digits)} digits"
        if -exponent > rules.get("fraction_digits", max(-exponent, 0)):
            yield f"{place} has {-exponent} digits after the point"
