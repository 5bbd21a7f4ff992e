"""What the program tells people, as its source has it: messages, hints, help, sentences.

A text that is made of parts is given by its form: `f"window {number} isn't open"` is the text
`window {number} isn't open`. A figure is called by the last name of its expression.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Final

import click

from payvand.switch.cli.persian_help import paragraphs

__all__ = ["forms_of", "help_texts", "messages", "sentences"]

TOLD_BY: Final = {
    "BadParameter",
    "UsageError",
    "Proof",
    "fault",
    "phase",
    "refuse",
    "status",
    "tell_fault",
    "verdict",
    "_step",
}
"""Functions whose texts people see, beside the exceptions of operation."""
EXAMPLES: Final = ("payvand ", "[{")
"""What a paragraph of help begins with that is for typing, not for reading."""
NAMES: Final = {"detail", "hint", "message", "text"}
"""Variables and arguments that hold such texts."""
LISTS: Final = {"seen", "seen_frames", "wrong"}
"""Lists of texts that a proof tells of."""
NOT_OPERATION: Final = {
    "AssertionError",
    "AttributeError",
    "ImportError",
    "IndexError",
    "KeyError",
    "NotImplementedError",
    "RuntimeError",
    "TypeError",
    "ValueError",
    "OverflowError",
}
"""Mistakes of who calls a function, which no operator meets."""


def messages(path: Path) -> Iterator[str]:
    """Yield the messages and hints of a source file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            if _name(node.exc.func) not in NOT_OPERATION:
                for argument in node.exc.args:
                    yield from _texts(argument)
        elif isinstance(node, ast.Call) and _tells(node):
            for argument in (
                *node.args,
                *(keyword.value for keyword in node.keywords if keyword.arg in NAMES),
            ):
                yield from _texts(argument)
        elif isinstance(node, ast.Assign | ast.AugAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if _name(target) in (NAMES | LISTS if isinstance(node, ast.Assign) else LISTS):
                yield from _texts(node.value)


def sentences(path: Path) -> Iterator[str]:
    """Yield the templates that are given to `said`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and _name(node.func) == "said":
            yield from forms_of(node.args[0])


def help_texts(command: click.Command) -> Iterator[str]:
    """Yield the paragraphs and the options' texts of a command's help, and of those in it."""
    for paragraph in paragraphs(command.help or ""):
        if not paragraph.lstrip("\b\n ").startswith(EXAMPLES):
            yield paragraph
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.help:
            yield parameter.help
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            inner = command.get_command(click.Context(command), name)
            assert inner is not None
            yield from help_texts(inner)


def forms_of(node: ast.expr) -> list[str]:
    """Return the forms that an expression may make a text of; none where none is known."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.IfExp):
        return [*forms_of(node.body), *forms_of(node.orelse)]
    if isinstance(node, ast.JoinedStr):
        parts = [_alternatives(part) for part in node.values]
        return [_joined(chosen) for chosen in product(*parts)]
    if isinstance(node, ast.List):
        return [form for element in node.elts for form in forms_of(element)]
    if isinstance(node, ast.ListComp):
        return forms_of(node.elt)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        if isinstance(node.right, ast.List | ast.ListComp):
            return [*forms_of(node.left), *forms_of(node.right)]
        left, right = forms_of(node.left), forms_of(node.right)
        if left or right:
            return [a + b for a, b in product(left or ["{begin}"], right or ["{rest}"])]
    return []


def _alternatives(part: ast.expr) -> list[str]:
    """Return the ways in which a part of an f-string may come out."""
    if isinstance(part, ast.Constant):
        return [str(part.value)]
    assert isinstance(part, ast.FormattedValue)
    if isinstance(part.value, ast.IfExp) and (forms := forms_of(part.value)):
        return forms
    return [f"{{{_figure(part.value)}}}"]


def _joined(parts: Sequence[str]) -> str:
    """Join the parts of a form, its figures told apart by number where one comes again."""
    seen: Counter[str] = Counter()

    def numbered(found: re.Match[str]) -> str:
        seen[found[1]] += 1
        return f"{{{found[1]}{seen[found[1]] if seen[found[1]] > 1 else ''}}}"

    return re.sub(r"\{(\w+)\}", numbered, "".join(parts))


def _figure(node: ast.expr) -> str:
    while isinstance(node, ast.Call | ast.Subscript):
        if isinstance(node, ast.Subscript):
            node = node.value
        else:
            node = node.args[0] if node.args else node.func
    return _name(node).strip("_") or "value"


def _tells(call: ast.Call) -> bool:
    name = _name(call.func)
    if name == "__init__":
        return isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "super()"
    if name == "append":
        return isinstance(call.func, ast.Attribute) and _name(call.func.value) in LISTS
    is_fault = name.endswith(("Error", "Fault", "Refused", "Malformed", "Missing"))
    return (
        name in TOLD_BY
        or (is_fault and name not in NOT_OPERATION)
        or (name[:1].isupper() and (any(keyword.arg == "hint" for keyword in call.keywords)))
    )


def _texts(node: ast.expr) -> Iterator[str]:
    yield from filter(_is_for_people, forms_of(node))


def _is_for_people(text: str) -> bool:
    """Tell whether a text has words: neither a code, nor a path, nor only figures with signs."""
    words = "".join(part.rpartition("}")[2] for part in text.split("{"))
    return " " in words and any(letter.isalpha() for letter in words)


def _name(node: ast.expr) -> str:
    return getattr(node, "id", "") or getattr(node, "attr", "")
