"""The language of rules: typed expressions over an event, its features and its score.

    amount > 3 * debtor_mean_30d and not missing(debtor_mean_30d)
    creditor in @mules or (code == 2 and amount % 1_000_000 == 0)
    score > 2.5 and hour in {22, 23, 0, 1, 2, 3}

Names are the event's fields, which are integers, and features and `score`, which are numbers and
may be missing. Integers compare exactly; `%` and `//` by a whole number keep them integers, and all
other arithmetic makes numbers. A comparison with a missing number is false, so is its membership;
`missing(x)` asks, `coalesce(x, y)` replaces. Dividing by zero gives a missing number. There are
`abs`, `min` and `max`. `@name` is a list of the rule file.

An expression is compiled once and can't fail, loop or take longer than its instructions: what it
costs is known when it is read.

    or  <  and  <  not  <  == != < <= > >= in, not in  <  + -  <  * / // %  <  -x  <  f(x), (x)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from payvand.risk.lexicon import (
    ExpressionFault,
    Token,
    number_of,
    tokens_of,
    word_of,
)

__all__ = ["Code", "Expression", "ExpressionFault", "Names", "Operation", "compile_expression"]

LENGTH_MAX = 4_096
INSTRUCTIONS_MAX = 256
REGISTERS_MAX = 16
SET_MAX = 64
NESTING_MAX = 32


class Operation(IntEnum):
    """What an instruction does to its registers. I: integers, F: numbers, B: 0 or 1."""

    FIELD = 0
    FEATURE = 1
    SCORE = 2
    CONSTANT = 3
    TO_NUMBER = 4
    ADD = 5
    SUBTRACT = 6
    MULTIPLY = 7
    DIVIDE = 8
    NEGATE = 9
    ABSOLUTE = 10
    LESSER = 11
    GREATER = 12
    MISSING = 13
    COALESCE = 14
    REMAINDER = 15
    QUOTIENT = 16
    LESS_I = 17
    LESS_EQUAL_I = 18
    EQUAL_I = 19
    LESS_F = 20
    LESS_EQUAL_F = 21
    EQUAL_F = 22
    AND = 23
    OR = 24
    NOT = 25
    IN_SET_I = 26
    IN_SET_F = 27
    OUTSIDE_SET_F = 28
    IN_LIST = 29


class _Type(Enum):
    INTEGER = "an integer"
    NUMBER = "a number"
    TRUTH = "true or false"


@dataclass(frozen=True, slots=True)
class Code:
    """One instruction: register[target] = operation(register[left], register[right])."""

    operation: Operation
    target: int
    left: int
    right: int = 0
    word: int = 0
    """The 64 bits of a constant; the divisor of a whole division; the place of a field, a feature
    or a list; where a set begins among the constants, and its size in the upper half."""


@dataclass(frozen=True, slots=True)
class Names:
    """What an expression may speak of."""

    fields: Sequence[str]
    features: Sequence[str]
    lists: Sequence[str] = ()
    has_score: bool = False


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression; its truth is left in register 0."""

    text: str
    codes: tuple[Code, ...]
    constants: tuple[int, ...]
    """Words of the sets."""
    registers: int


def compile_expression(text: str, names: Names) -> Expression:
    """Compile an expression that is true or false.

    Raises ExpressionFault.
    """
    if len(text) > LENGTH_MAX:
        raise ExpressionFault(LENGTH_MAX, f"is longer than {LENGTH_MAX:,} characters")
    parser = _Parser(tokens_of(text), names)
    parser.whole()
    return Expression(text, tuple(parser.codes), tuple(parser.constants), parser.registers)


# --- grammar -------------------------------------------------------------------------------------

_COMPARISONS = {
    # sign: (for integers, for numbers, whether the sides change places, whether it is negated)
    "<": (Operation.LESS_I, Operation.LESS_F, False, False),
    ">": (Operation.LESS_I, Operation.LESS_F, True, False),
    "<=": (Operation.LESS_EQUAL_I, Operation.LESS_EQUAL_F, False, False),
    ">=": (Operation.LESS_EQUAL_I, Operation.LESS_EQUAL_F, True, False),
    "==": (Operation.EQUAL_I, Operation.EQUAL_F, False, False),
    "!=": (Operation.EQUAL_I, Operation.EQUAL_F, False, True),
}
_SUMS = {"+": Operation.ADD, "-": Operation.SUBTRACT}
_PRODUCTS = {
    "*": Operation.MULTIPLY,
    "/": Operation.DIVIDE,
    "//": Operation.QUOTIENT,
    "%": Operation.REMAINDER,
}
_WHOLE = (Operation.QUOTIENT, Operation.REMAINDER)
_FUNCTIONS = {
    "abs": (Operation.ABSOLUTE, 1, 1),
    "missing": (Operation.MISSING, 1, 1),
    "coalesce": (Operation.COALESCE, 2, 2),
    "min": (Operation.LESSER, 2, 8),
    "max": (Operation.GREATER, 2, 8),
}
_WORDS = ("and", "or", "not", "in")


@dataclass(slots=True)
class _Parser:
    """Parses and emits in one go: an operand's value stands in the register of its depth."""

    tokens: list[Token]
    names: Names
    place: int = 0
    codes: list[Code] = field(default_factory=list)
    constants: list[int] = field(default_factory=list)
    registers: int = 0
    nesting: int = 0

    def whole(self) -> None:
        """Parse all of it, a truth."""
        first = self.tokens[0]
        self._want(_Type.TRUTH, self._either(0), first)
        if self._next.kind != "end":
            raise ExpressionFault(self._next.column, f"{self._next.text!r} isn't expected here")

    # --- by precedence -----------------------------------------------------------------------

    def _either(self, depth: int) -> _Type:
        return self._joined(depth, "or", Operation.OR, self._both)

    def _both(self, depth: int) -> _Type:
        return self._joined(depth, "and", Operation.AND, self._negated)

    def _joined(self, depth: int, word: str, operation: Operation, part: "_Part") -> _Type:
        first = self._next
        kind = part(depth)
        while self._next.text == word:
            self._want(_Type.TRUTH, kind, first)
            self._take()
            second = self._next
            self._want(_Type.TRUTH, part(depth + 1), second)
            self._emit(operation, depth, depth, depth + 1)
        return kind

    def _negated(self, depth: int) -> _Type:
        # Written without recursion, so that no row of nots is too long for it.
        nots = 0
        while self._next.text == "not":
            self._take()
            nots += 1
        first = self._next
        kind = self._compared(depth)
        if nots:
            self._want(_Type.TRUTH, kind, first)
        if nots % 2:
            self._emit(Operation.NOT, depth, depth)
        return kind

    def _compared(self, depth: int) -> _Type:
        kind = self._sum(depth)
        token = self._next
        if token.text in _COMPARISONS:
            self._take()
            self._compare(token, depth, kind, self._sum(depth + 1))
        elif token.text in ("in", "not"):
            self._take()
            if token.text == "not":
                self._expect("in")
            self._member(token, depth, kind)
        else:
            return kind
        if self._next.text in _COMPARISONS:
            raise ExpressionFault(self._next.column, "comparisons don't chain: join them by `and`")
        return _Type.TRUTH

    def _sum(self, depth: int) -> _Type:
        return self._operated(depth, _SUMS, self._product)

    def _product(self, depth: int) -> _Type:
        return self._operated(depth, _PRODUCTS, self._signed)

    def _operated(self, depth: int, signs: Mapping[str, Operation], part: "_Part") -> _Type:
        kind = part(depth)
        while self._next.text in signs:
            token = self._take()
            operation = signs[token.text]
            if operation in _WHOLE:
                kind = self._divide_whole(token, depth, kind, operation)
                continue
            self._number(depth, kind, token)
            self._number(depth + 1, part(depth + 1), token)
            self._emit(operation, depth, depth, depth + 1)
            kind = _Type.NUMBER
        return kind

    def _signed(self, depth: int) -> _Type:
        minuses = 0
        token = self._next
        while self._next.text == "-":
            self._take()
            minuses += 1
        kind = self._operand(depth)
        if minuses:
            self._number(depth, kind, token)
            kind = _Type.NUMBER
        if minuses % 2:
            self._emit(Operation.NEGATE, depth, depth)
        return kind

    def _operand(self, depth: int) -> _Type:
        if depth >= REGISTERS_MAX:
            raise ExpressionFault(self._next.column, f"is nested deeper than {REGISTERS_MAX}")
        token = self._take()
        if token.text == "(":
            kind = self._within(depth, token)
            self._expect(")")
            return kind
        if token.kind == "number":
            return self._literal(depth, token)
        if token.text in _FUNCTIONS and self._next.text == "(":
            return self._call(depth, token)
        if token.kind == "name" and token.text not in _WORDS:
            return self._load(depth, token)
        raise ExpressionFault(token.column, f"{token.text!r} stands where a value should")

    def _within(self, depth: int, token: Token) -> _Type:
        """Parse what stands between parentheses."""
        if self.nesting == NESTING_MAX:
            raise ExpressionFault(token.column, f"has over {NESTING_MAX} parentheses in another")
        self.nesting += 1
        kind = self._either(depth)
        self.nesting -= 1
        return kind

    # --- the parts ---------------------------------------------------------------------------

    def _literal(self, depth: int, token: Token) -> _Type:
        value = number_of(token)
        self._emit(Operation.CONSTANT, depth, depth, word=word_of(value))
        return _Type.INTEGER if isinstance(value, int) else _Type.NUMBER

    def _load(self, depth: int, token: Token) -> _Type:
        name = token.text
        if name == "score" and self.names.has_score:
            self._emit(Operation.SCORE, depth, depth)
            return _Type.NUMBER
        # A feature that shows a field as it is has its name: the field is the exact one.
        if name in self.names.fields:
            self._emit(Operation.FIELD, depth, depth, word=list(self.names.fields).index(name))
            return _Type.INTEGER
        if name in self.names.features:
            place = list(self.names.features).index(name)
            self._emit(Operation.FEATURE, depth, depth, word=place)
            return _Type.NUMBER
        what = "there is no model" if name == "score" else "is neither a field nor a feature"
        raise ExpressionFault(token.column, f"{name!r} {what}")

    def _call(self, depth: int, token: Token) -> _Type:
        operation, least, most = _FUNCTIONS[token.text]
        self._expect("(")
        count = 0
        while True:
            at = depth + min(count, 1)
            self._number(at, self._within(at, token), token)
            if count:
                self._emit(operation, depth, depth, depth + 1)
            count += 1
            if self._next.text != ",":
                break
            self._take()
        self._expect(")")
        if not least <= count <= most:
            raise ExpressionFault(token.column, f"{token.text} doesn't take {count} values")
        if most == 1:
            self._emit(operation, depth, depth)
        return _Type.TRUTH if token.text == "missing" else _Type.NUMBER

    def _divide_whole(self, token: Token, depth: int, kind: _Type, operation: Operation) -> _Type:
        self._want(_Type.INTEGER, kind, token)
        divisor = self._take()
        value = number_of(divisor) if divisor.kind == "number" else 0
        if not isinstance(value, int) or value == 0:
            raise ExpressionFault(token.column, f"{token.text} needs a whole number behind it")
        self._emit(operation, depth, depth, word=value)
        return _Type.INTEGER

    def _compare(self, token: Token, depth: int, left: _Type, right: _Type) -> None:
        of_integers, of_numbers, swapped, negated = _COMPARISONS[token.text]
        if left is right is _Type.INTEGER:
            operation = of_integers
        else:
            self._number(depth, left, token)
            self._number(depth + 1, right, token)
            operation = of_numbers
        if negated and operation is Operation.EQUAL_F:
            # A missing number is neither equal nor unequal: a < b or b < a.
            self._emit(Operation.LESS_F, depth + 2, depth, depth + 1)
            self._emit(Operation.LESS_F, depth, depth + 1, depth)
            self._emit(Operation.OR, depth, depth, depth + 2)
            return
        if swapped:
            self._emit(operation, depth, depth + 1, depth)
        else:
            self._emit(operation, depth, depth, depth + 1)
        if negated:
            self._emit(Operation.NOT, depth, depth)

    def _member(self, token: Token, depth: int, kind: _Type) -> None:
        """Parse a set or a list, and emit whether the value is in it, or outside of it."""
        outside = token.text == "not"
        opening = self._take()
        if opening.kind == "list":
            name = opening.text[1:]
            if name not in self.names.lists:
                raise ExpressionFault(opening.column, f"there is no list {name!r}")
            self._want(_Type.INTEGER, kind, token)
            place = list(self.names.lists).index(name)
            self._emit(Operation.IN_LIST, depth, depth, word=place)
        elif opening.text == "{":
            word = self._set(opening, kind, token)
            if kind is _Type.NUMBER:
                # A missing number is neither in a set nor outside of it.
                operation = Operation.OUTSIDE_SET_F if outside else Operation.IN_SET_F
                self._emit(operation, depth, depth, word=word)
                return
            self._emit(Operation.IN_SET_I, depth, depth, word=word)
        else:
            raise ExpressionFault(
                opening.column, "`in` needs a set, as {1, 2}, or a list, as @name"
            )
        if outside:
            self._emit(Operation.NOT, depth, depth)

    def _set(self, opening: Token, kind: _Type, token: Token) -> int:
        """Parse the values of a set; return where they stand among the constants."""
        if kind is _Type.TRUTH:
            raise ExpressionFault(token.column, f"is {kind.value}, where a value is needed")
        first = len(self.constants)
        while True:
            self.constants.append(self._member_word(kind))
            if len(self.constants) - first > SET_MAX:
                raise ExpressionFault(opening.column, f"has more than {SET_MAX} values: use a list")
            closing = self._take()
            if closing.text == "}":
                return first | len(self.constants) - first << 32
            if closing.text != ",":
                raise ExpressionFault(closing.column, f"{closing.text!r} isn't expected in a set")

    def _member_word(self, kind: _Type) -> int:
        token = self._take()
        sign = 1
        if token.text == "-":
            sign, token = -1, self._take()
        if token.kind != "number":
            raise ExpressionFault(token.column, f"{token.text!r} isn't a number")
        value = number_of(token)
        if kind is _Type.INTEGER:
            if not isinstance(value, int) or sign < 0:
                raise ExpressionFault(token.column, "isn't a whole number, as the value is")
            return value
        return word_of(float(sign * value))

    # --- small things ------------------------------------------------------------------------

    @property
    def _next(self) -> Token:
        return self.tokens[self.place]

    def _take(self) -> Token:
        token = self.tokens[self.place]
        if token.kind != "end":
            self.place += 1
        return token

    def _expect(self, text: str) -> None:
        token = self._take()
        if token.text != text:
            raise ExpressionFault(token.column, f"{token.text!r} stands where {text!r} should")

    def _want(self, wanted: _Type, kind: _Type, token: Token) -> None:
        if kind is not wanted:
            raise ExpressionFault(token.column, f"is {kind.value}, where {wanted.value} is needed")

    def _number(self, depth: int, kind: _Type, token: Token) -> None:
        """Make a number of the value at a depth."""
        if kind is _Type.INTEGER:
            self._emit(Operation.TO_NUMBER, depth, depth)
        else:
            self._want(_Type.NUMBER, kind, token)

    def _emit(
        self, operation: Operation, target: int, left: int, right: int = 0, *, word: int = 0
    ) -> None:
        if len(self.codes) >= INSTRUCTIONS_MAX:
            raise ExpressionFault(self._next.column, f"takes over {INSTRUCTIONS_MAX} instructions")
        self.registers = max(self.registers, target + 1)
        self.codes.append(Code(operation, target, left, right, word))


_Part = Callable[[int], _Type]
