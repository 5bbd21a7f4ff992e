"""Other evaluators of tree ensembles: whichever of them is installed stands beside ours.

All score the same rows by the same LightGBM model, but for XGBoost, which can't read it and trains
one of as many trees on the same data. Each runs on one thread and gets its rows in the form that it
likes best, made before the clock starts.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from payvand.bench.workbench import BenchUnusable

__all__ = ["Model", "Peer", "Peers", "peers_of", "train"]

Rows = npt.NDArray[np.float64]
LEAVES = 31
FEATURES = 30
TRAINING_ROWS = 20_000
DEPTH = 6
"""Of XGBoost's trees, which grow by levels."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model trained for a run, and what it was trained on."""

    trees: int
    path: Path
    """LightGBM's text."""
    booster: Any
    rows: Rows
    labels: npt.NDArray[np.int64]


Peer = Callable[[Model, Rows, Path], Callable[[], object]]
"""Gets a model, rows and a scratch folder ready; what it returns scores the rows."""


def train(trees: int, folder: Path, names: Sequence[str] | None = None) -> Model:
    """Train a model on drawn data, the same in every run, of features of these names.

    Raises BenchUnusable where LightGBM isn't installed.
    """
    lightgbm = _found("lightgbm")
    if lightgbm is None:
        raise BenchUnusable("LightGBM isn't installed", hint="pip install lightgbm")
    chances = np.random.default_rng(1404)
    rows = chances.normal(size=(TRAINING_ROWS, FEATURES if names is None else len(names)))
    rows[chances.random(rows.shape) < 0.05] = np.nan
    known = np.nan_to_num(rows)
    score = known[:, :6] @ chances.normal(size=6) + known[:, 6] * known[:, 7]
    labels = (score + chances.normal(size=TRAINING_ROWS) > 1).astype(np.int64)
    parameters = {"objective": "binary", "num_leaves": LEAVES, "verbose": -1, "num_threads": 1}
    called = "auto" if names is None else list(names)
    booster = lightgbm.train(parameters, lightgbm.Dataset(rows, labels, feature_name=called), trees)
    path = folder / f"model-{trees}.txt"
    booster.save_model(path)
    return Model(trees, path, booster, rows, labels)


@dataclass(frozen=True, slots=True)
class Peers:
    """The other evaluators, as far as they are here."""

    ready: dict[str, Callable[[], object]]
    """What scores the rows, by name."""
    missing: dict[str, str]
    """Why the others don't, by name."""


def peers_of(model: Model, rows: Rows, folder: Path) -> Peers:
    """Get every peer ready that is installed and works."""
    peers = Peers({}, {})
    for name, peer in _PEERS.items():
        absent = [module for module in _MODULES[name] if _found(module) is None]
        if absent:
            peers.missing[name] = f"{', '.join(absent)} not installed"
            continue
        try:
            peers.ready[name] = peer(model, rows, folder)
        except Exception as error:  # what an installed peer trips over is its own affair
            peers.missing[name] = f"{type(error).__name__}: {error}"[:200]
    return peers


def _found(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def _lightgbm(model: Model, rows: Rows, folder: Path) -> Callable[[], object]:
    return lambda: model.booster.predict(rows, raw_score=True, num_threads=1)


def _xgboost(model: Model, rows: Rows, folder: Path) -> Callable[[], object]:
    xgboost = _found("xgboost")
    parameters = {"objective": "binary:logistic", "max_depth": DEPTH, "nthread": 1}
    data = xgboost.DMatrix(model.rows, model.labels)
    booster = xgboost.train(parameters, data, model.trees)
    single = rows.astype(np.float32)
    return lambda: booster.inplace_predict(single, predict_type="margin", validate_features=False)


def _lleaves(model: Model, rows: Rows, folder: Path) -> Callable[[], object]:
    compiled = _found("lleaves").Model(model_file=str(model.path))
    compiled.compile()
    return lambda: compiled.predict(rows, n_jobs=1)


def _tl2cgen(model: Model, rows: Rows, folder: Path) -> Callable[[], object]:
    treelite, tl2cgen = _found("treelite"), _found("tl2cgen")
    library = folder / f"tl2cgen-{model.trees}.so"
    tl2cgen.export_lib(
        treelite.frontend.load_lightgbm_model(model.path), toolchain="gcc", libpath=str(library)
    )
    predictor = tl2cgen.Predictor(str(library), nthread=1)
    matrix = tl2cgen.DMatrix(rows)
    return lambda: predictor.predict(matrix, pred_margin=True)


def _onnx_runtime(model: Model, rows: Rows, folder: Path) -> Callable[[], object]:
    onnxruntime, onnxmltools = _found("onnxruntime"), _found("onnxmltools")
    kinds = _found("onnxmltools.convert.common.data_types")
    converted = onnxmltools.convert_lightgbm(
        model.booster,
        initial_types=[("rows", kinds.FloatTensorType([None, FEATURES]))],
        zipmap=False,
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of the shape at every call
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(converted.SerializeToString(), options)
    single = rows.astype(np.float32)
    return lambda: session.run(None, {"rows": single})


_PEERS: dict[str, Peer] = {
    "LightGBM": _lightgbm,
    "XGBoost": _xgboost,
    "lleaves": _lleaves,
    "tl2cgen": _tl2cgen,
    "ONNX Runtime": _onnx_runtime,
}
_MODULES = {
    "LightGBM": ("lightgbm",),
    "XGBoost": ("xgboost",),
    "lleaves": ("lleaves",),
    "tl2cgen": ("tl2cgen", "treelite"),
    "ONNX Runtime": ("onnxruntime", "onnxmltools"),
}
