"""LightGBM's text format, version 4: the file that `Booster.save_model` writes.

Read for binary and regression models of one tree an iteration, with numerical and categorical
splits, missing values of all three kinds, boosted, averaged (random forest) or dart. What changes
the meaning of a tree and isn't known is refused.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from payvand.risk.ensemble import Ensemble, Missing, ModelFileFault, Tree, checked

__all__ = ["load_lightgbm", "read_lightgbm"]

FILE_BYTES_MAX = 1 << 30
_CATEGORICAL, _DEFAULT_LEFT = 1, 2
_OBJECTIVES = re.compile(
    r"(?:binary sigmoid:(\S+)|cross_entropy|(?:regression|regression_l1|l2).*)"
)


@dataclass(frozen=True, slots=True)
class _Section:
    """Lines of the form key=value up to an empty one."""

    line: int
    values: Mapping[str, str]
    lines: Mapping[str, int]


def load_lightgbm(path: Path) -> Ensemble:
    """Read a model file.

    Raises ModelFileFault where it is wrong, OSError where it can't be read.
    """
    if path.stat().st_size > FILE_BYTES_MAX:
        raise ModelFileFault(str(path), 0, f"is larger than {FILE_BYTES_MAX:,} bytes")
    return read_lightgbm(path.read_bytes(), source=str(path))


def read_lightgbm(document: bytes, *, source: str) -> Ensemble:
    """Make an ensemble of the bytes of a model file; *source* names it in faults."""
    return _Reader(source).read(document)


class _Reader:
    """Reads one file."""

    def __init__(self, source: str) -> None:
        self._source = source

    def read(self, document: bytes) -> Ensemble:
        try:
            text = document.decode("utf-8")
        except UnicodeDecodeError as error:
            line = document[: error.start].count(b"\n") + 1
            raise self._fault(line, "isn't UTF-8") from None
        sections = list(self._sections(text))
        if not sections:
            raise self._fault(1, "isn't a LightGBM model")
        head, trees = sections[0], sections[1:]
        self._check_head(head)
        names = tuple(self._text(head, "feature_names").split())
        if len(names) != self._integer(head, "max_feature_idx") + 1:
            raise self._fault(head.lines["feature_names"], "names another number of features")
        ensemble = Ensemble(
            trees=tuple(self._tree(section) for section in trees),
            feature_names=names,
            base=0.0,
            divisor=max(len(trees), 1) if "average_output" in head.values else 1,
            sigmoid=self._sigmoid(head),
            single_precision=False,
            digest=sha256(document).digest(),
        )
        return checked(ensemble, self._source, [section.line for section in trees])

    def _fault(self, line: int, message: str) -> ModelFileFault:
        return ModelFileFault(self._source, line, message)

    def _sections(self, text: str) -> Iterator[_Section]:
        """Yield the head, then each tree, up to the line `end of trees`."""
        lines = text.split("\n")
        if lines[0].rstrip("\r") != "tree":
            raise self._fault(1, "doesn't begin with the line `tree`")
        values: dict[str, str] = {}
        where: dict[str, int] = {}
        first = 1
        for number, line in enumerate(lines[1:], 2):
            line = line.rstrip("\r")
            if line == "end of trees":
                if values:
                    yield _Section(first, values, where)
                return
            if not line:
                if values:
                    yield _Section(first, values, where)
                values, where = {}, {}
                continue
            key, _, value = line.partition("=")
            if not values:
                first = number
            if key in values:
                raise self._fault(number, f"{key[:80]!r} is there already")
            values[key], where[key] = value, number
        raise self._fault(len(lines), "ends before the line `end of trees`")

    def _check_head(self, head: _Section) -> None:
        if self._text(head, "version") not in ("v3", "v4"):
            raise self._fault(head.lines["version"], "is of a version other than v3 and v4")
        for key in ("num_class", "num_tree_per_iteration"):
            if self._integer(head, key) != 1:
                raise self._fault(head.lines[key], "is of a model with several scores")

    def _sigmoid(self, head: _Section) -> float:
        objective = self._text(head, "objective") if "objective" in head.values else "regression"
        match = _OBJECTIVES.fullmatch(objective)
        if match is None:
            line = head.lines["objective"]
            raise self._fault(line, f"has the objective {objective[:80]!r}, which isn't read")
        if match[1] is not None:
            try:
                return float(match[1])
            except ValueError:
                raise self._fault(head.lines["objective"], "has no sigmoid") from None
        return 1.0 if objective == "cross_entropy" else 0.0

    def _tree(self, section: _Section) -> Tree:
        if "Tree" not in section.values:
            raise self._fault(section.line, "is no tree")
        if section.values.get("is_linear", "0") != "0":
            raise self._fault(section.lines["is_linear"], "has linear leaves, which aren't read")
        leaves = self._integer(section, "num_leaves")
        if not 1 <= leaves <= 1 << 20:
            raise self._fault(section.lines["num_leaves"], f"can't have {leaves} leaves")
        nodes = leaves - 1
        if not nodes:
            return self._stump(section)
        kinds = self._array(section, "decision_type", nodes, np.int64)
        thresholds = self._array(section, "threshold", nodes, np.float64)
        missing = (kinds >> 2) & 3
        if (missing == 3).any() or (kinds >> 4).any():
            raise self._fault(section.lines["decision_type"], "has a decision that isn't known")
        categorical = (kinds & _CATEGORICAL).astype(np.bool_)
        if "leaf_count" in section.values:
            cover = self._array(section, "leaf_count", leaves, np.float64)
        else:
            cover = np.ones(leaves)
        return Tree(
            feature=self._array(section, "split_feature", nodes, np.int32),
            threshold=thresholds,
            left=self._array(section, "left_child", nodes, np.int32),
            right=self._array(section, "right_child", nodes, np.int32),
            # A category that is no number goes right, whatever the node says of missing ones.
            missing=np.where(categorical, Missing.NEVER, missing).astype(np.uint8),
            missing_left=(kinds & _DEFAULT_LEFT).astype(np.bool_),
            categories=self._categories(section, categorical, thresholds),
            leaf=self._array(section, "leaf_value", leaves, np.float64),
            cover=cover,
        )

    def _stump(self, section: _Section) -> Tree:
        """Return a tree of one leaf."""
        none = np.empty(0, np.int32)
        return Tree(
            feature=none,
            threshold=np.empty(0),
            left=none,
            right=none,
            missing=np.empty(0, np.uint8),
            missing_left=np.empty(0, np.bool_),
            categories=(),
            leaf=self._array(section, "leaf_value", 1, np.float64),
            cover=np.ones(1),
        )

    def _categories(
        self, section: _Section, categorical: npt.NDArray[np.bool_], thresholds: npt.NDArray[Any]
    ) -> tuple[frozenset[int] | None, ...]:
        """Return the categories of each node: bits of 32-bit words, one run of words for each."""
        if not categorical.any():
            return (None,) * len(categorical)
        count = self._integer(section, "num_cat")
        line = section.lines["num_cat"]
        if not 1 <= count <= len(categorical):
            raise self._fault(line, f"can't have {count} categorical splits")
        bounds = self._array(section, "cat_boundaries", count + 1, np.int64)
        if bounds[0] != 0 or (np.diff(bounds) < 0).any() or bounds[-1] > 1 << 24:
            raise self._fault(section.lines["cat_boundaries"], "has bounds that don't rise from 0")
        words = self._array(section, "cat_threshold", int(bounds[-1]), np.int64)
        if ((words < 0) | (words >= 1 << 32)).any():
            raise self._fault(section.lines["cat_threshold"], "has a word beyond 32 bits")
        sets: list[frozenset[int] | None] = []
        for is_set, threshold in zip(categorical.tolist(), thresholds.tolist(), strict=True):
            if not is_set:
                sets.append(None)
                continue
            if not 0 <= threshold < count or threshold != int(threshold):
                raise self._fault(section.lines["threshold"], "names categories that aren't there")
            run = words[bounds[int(threshold)] : bounds[int(threshold) + 1]]
            bits = np.unpackbits(run.astype("<u4").view(np.uint8), bitorder="little")
            sets.append(frozenset(np.flatnonzero(bits).tolist()))
        return tuple(sets)

    # --- values ------------------------------------------------------------------------------

    def _text(self, section: _Section, key: str) -> str:
        if key not in section.values:
            raise self._fault(section.line, f"lacks {key}")
        return section.values[key]

    def _integer(self, section: _Section, key: str) -> int:
        text = self._text(section, key)
        if not re.fullmatch(r"-?\d{1,9}", text):
            raise self._fault(section.lines[key], f"{key} isn't an integer")
        return int(text)

    def _array(self, section: _Section, key: str, count: int, kind: type) -> npt.NDArray[Any]:
        """Return so many numbers; integers are read as such, so that none is rounded."""
        words = self._text(section, key).split()
        if len(words) != count:
            message = f"{key} has {len(words)} numbers instead of {count}"
            raise self._fault(section.lines[key], message)
        whole = kind is not np.float64
        try:
            numbers = [int(word) if whole else float(word) for word in words]
            return np.array(numbers, kind)
        except (ValueError, OverflowError):
            what = "an integer" if whole else "a number"
            raise self._fault(section.lines[key], f"{key} holds what isn't {what}") from None
