"""XGBoost's JSON format: the file that `Booster.save_model("….json")` writes.

Read for boosted trees (gbtree) of one score with numerical and one-set categorical splits. XGBoost
compares in single precision, a value below the threshold going left; so values are rounded to 32
bits here as well, and a threshold becomes the float just below it, up to which values go left.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from math import isfinite, log
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from payvand.risk.ensemble import Ensemble, Missing, ModelFileFault, Tree, checked

__all__ = ["load_xgboost", "read_xgboost"]

FILE_BYTES_MAX = 1 << 30
_LOGISTIC = ("binary:logistic", "binary:logitraw", "reg:logistic")
_PLAIN = ("reg:squarederror", "reg:linear", "reg:absoluteerror")


def load_xgboost(path: Path) -> Ensemble:
    """Read a model file.

    Raises ModelFileFault where it is wrong, OSError where it can't be read.
    """
    if path.stat().st_size > FILE_BYTES_MAX:
        raise ModelFileFault(str(path), 0, f"is larger than {FILE_BYTES_MAX:,} bytes")
    return read_xgboost(path.read_bytes(), source=str(path))


def read_xgboost(document: bytes, *, source: str) -> Ensemble:
    """Make an ensemble of the bytes of a model file; *source* names it in faults."""
    try:
        model = json.loads(document)
    except json.JSONDecodeError as error:
        raise ModelFileFault(source, error.lineno, f"isn't JSON: {error.msg}") from None
    except (UnicodeDecodeError, RecursionError):
        raise ModelFileFault(source, 1, "isn't JSON") from None
    return _Reader(source).read(model, sha256(document).digest())


class _Reader:
    """Reads one model; faults name the path of the field, since the file is one line."""

    def __init__(self, source: str) -> None:
        self._source = source

    def read(self, model: Any, digest: bytes) -> Ensemble:
        learner = self._table(model, "learner")
        booster = self._table(learner, "gradient_booster", "learner.")
        if booster.get("name") != "gbtree":
            raise self._fault("learner.gradient_booster.name is other than gbtree")
        inner = self._table(booster, "model", "learner.gradient_booster.")
        trees = inner.get("trees")
        if not isinstance(trees, list):
            raise self._fault("learner.gradient_booster.model.trees isn't a list")
        parameters = self._table(learner, "learner_model_param", "learner.")
        for name, least in (("num_class", 1), ("num_target", 1)):
            if self._number(parameters, name, default=least) > 1:
                raise self._fault(f"learner.learner_model_param.{name}: several scores")
        features = self._number(parameters, "num_feature")
        if not 1 <= features <= 1 << 20 or features != int(features):
            raise self._fault("learner.learner_model_param.num_feature isn't a number of features")
        objective = self._table(learner, "objective", "learner.").get("name")
        if objective not in (*_LOGISTIC, *_PLAIN):
            raise self._fault(f"learner.objective.name is {objective!r}, which isn't read")
        ensemble = Ensemble(
            trees=tuple(self._tree(tree, place) for place, tree in enumerate(trees)),
            feature_names=self._names(learner, int(features)),
            base=self._base(parameters, objective in _LOGISTIC),
            divisor=1,
            sigmoid=1.0 if objective in _LOGISTIC else 0.0,
            single_precision=True,
            digest=digest,
        )
        return checked(ensemble, self._source, [1] * len(trees))

    def _fault(self, message: str) -> ModelFileFault:
        return ModelFileFault(self._source, 1, message)

    def _table(self, table: Any, name: str, path: str = "") -> Mapping[str, Any]:
        inner = table.get(name) if isinstance(table, dict) else None
        if not isinstance(inner, dict):
            raise self._fault(f"{path}{name} isn't an object")
        return inner

    def _number(self, table: Mapping[str, Any], name: str, default: float | None = None) -> float:
        """Return a number that stands as a text, since release 3 between brackets."""
        text = str(table.get(name, default)).strip("[]")
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not isfinite(number):
            raise self._fault(f"learner.learner_model_param.{name} isn't a number")
        return number

    def _base(self, parameters: Mapping[str, Any], logistic: bool) -> float:
        """Return the base score on the scale of the leaves."""
        base = self._number(parameters, "base_score")
        if not logistic:
            return base
        if not 0 < base < 1:
            raise self._fault("learner.learner_model_param.base_score isn't a probability")
        return log(base / (1 - base))

    def _names(self, learner: Mapping[str, Any], features: int) -> tuple[str, ...]:
        names = learner.get("feature_names") or [f"f{place}" for place in range(features)]
        if not isinstance(names, list) or len(names) != features:
            raise self._fault("learner.feature_names names another number of features")
        return tuple(str(name) for name in names)

    def _tree(self, tree: Any, place: int) -> Tree:
        path = f"learner.gradient_booster.model.trees[{place}]"
        if not isinstance(tree, dict):
            raise self._fault(f"{path} isn't an object")
        columns = {
            name: self._column(tree, name, path, kind)
            for name, kind in (
                ("left_children", np.int32),
                ("right_children", np.int32),
                ("split_indices", np.int32),
                ("split_conditions", np.float32),
                ("default_left", np.int8),
                ("sum_hessian", np.float64),
            )
        }
        count = len(columns["left_children"])
        if not count or {len(column) for column in columns.values()} != {count}:
            raise self._fault(f"{path} has columns of different lengths")
        is_leaf = columns["left_children"] == -1
        if ((columns["right_children"] == -1) != is_leaf).any():
            raise self._fault(f"{path} has a node with one child")
        # Our nodes and leaves are numbered apart; the root stays the first.
        number = np.where(is_leaf, ~(np.cumsum(is_leaf) - 1), np.cumsum(~is_leaf) - 1)
        nodes = np.flatnonzero(~is_leaf)
        children = []
        for name in ("left_children", "right_children"):
            child = columns[name][nodes]
            if ((child < 1) | (child >= count)).any():
                raise self._fault(f"{path}.{name} has a child that isn't there")
            children.append(number[child].astype(np.int32))
        sets = self._categories(tree, path, nodes)
        # The file lists the categories that go right; ours go left, so such nodes are turned round.
        turned = np.array([values is not None for values in sets], np.bool_)
        thresholds = np.nextafter(columns["split_conditions"][nodes], np.float32(-np.inf))
        return Tree(
            feature=columns["split_indices"][nodes],
            threshold=thresholds.astype(np.float64),
            left=np.where(turned, children[1], children[0]),
            right=np.where(turned, children[0], children[1]),
            missing=np.full(len(nodes), Missing.NAN, np.uint8),
            missing_left=columns["default_left"][nodes].astype(np.bool_) ^ turned,
            categories=sets,
            leaf=columns["split_conditions"][is_leaf].astype(np.float64),
            cover=columns["sum_hessian"][is_leaf],
        )

    def _column(self, tree: Mapping[str, Any], name: str, path: str, kind: Any) -> npt.NDArray[Any]:
        try:
            column = np.asarray(tree.get(name), np.float64)
        except (TypeError, ValueError):
            raise self._fault(f"{path}.{name} isn't a list of numbers") from None
        if column.ndim != 1 or not np.isfinite(column).all() or (abs(column) > 3.5e38).any():
            raise self._fault(f"{path}.{name} isn't a list of numbers")
        if kind is np.int32 and (
            (column != np.trunc(column)).any() or (abs(column) > 1 << 30).any()
        ):
            raise self._fault(f"{path}.{name} isn't a list of integers")
        return column.astype(kind)

    def _categories(
        self, tree: Mapping[str, Any], path: str, nodes: npt.NDArray[np.intp]
    ) -> tuple[frozenset[int] | None, ...]:
        """Return the categories that the file lists for each node; None where it compares."""
        listed: dict[int, frozenset[int]] = {}
        columns = [
            self._column({"x": tree.get(name) or []}, "x", f"{path}.{name}", np.int32)
            for name in ("categories_nodes", "categories_segments", "categories_sizes")
        ]
        values = self._column({"x": tree.get("categories") or []}, "x", path, np.int32)
        if len({len(column) for column in columns}) != 1:
            raise self._fault(f"{path}.categories_nodes has another length than its segments")
        for node, first, size in zip(*(column.tolist() for column in columns), strict=True):
            if first < 0 or size < 0 or first + size > len(values) or (values < 0).any():
                raise self._fault(f"{path}.categories_segments leads out of the categories")
            listed[node] = frozenset(values[first : first + size].tolist())
        return tuple(listed.get(int(node)) for node in nodes)
