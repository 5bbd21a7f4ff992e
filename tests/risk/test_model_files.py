"""Model files of LightGBM and XGBoost: read to the trainers' own scores, or refused."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import lightgbm
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given

from payvand.risk.ensemble import ModelFileFault
from payvand.risk.lightgbm_text import load_lightgbm, read_lightgbm
from payvand.risk.tree_evaluator import TreeModel
from payvand.risk.xgboost_json import load_xgboost, read_xgboost

MODELS = Path(__file__).parent / "models"
ROWS, COLUMNS, CATEGORY = 3000, 8, 3
KINDS: dict[str, dict[str, Any]] = {
    "missing": {},
    "zero-as-missing": {"zero_as_missing": True},
    "no-missing": {"use_missing": False},
    "categories": {"categorical_feature": [CATEGORY], "min_data_per_group": 5, "cat_smooth": 1},
    "63-leaves": {"num_leaves": 63, "min_data_in_leaf": 5},
    "200-leaves": {"num_leaves": 200, "min_data_in_leaf": 2},
    "monotone": {"monotone_constraints": [1] + [0] * (COLUMNS - 1)},
    "forest": {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6},
    "dart": {"boosting": "dart"},
    "regression": {"objective": "regression"},
    "nothing-learned": {"min_data_in_leaf": ROWS},
}


@dataclass(frozen=True, slots=True)
class Trained:
    """A model as LightGBM trained and wrote it."""

    kind: str
    booster: lightgbm.Booster
    document: bytes
    rows: npt.NDArray[np.float64]


def history() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return features with all that may be missing in them, and labels that depend on them."""
    chances = np.random.default_rng(20250101)
    rows = chances.normal(size=(ROWS, COLUMNS))
    rows[:, CATEGORY] = chances.integers(0, 40, ROWS)
    rows[chances.random((ROWS, COLUMNS)) < 0.1] = 0
    known = rows[:, 0] + (rows[:, CATEGORY] % 3 == 1) + np.abs(rows[:, 2])
    labels = (known + chances.normal(size=ROWS) * 0.3 > 1.2).astype(np.int64)
    rows[chances.random((ROWS, COLUMNS)) < 0.1] = np.nan
    return rows, labels


@pytest.fixture(scope="module")
def trained() -> dict[str, Trained]:
    rows, labels = history()
    fixed = {"objective": "binary", "num_leaves": 31, "num_threads": 1, "verbose": -1, "seed": 1}
    models = {}
    for kind, own in KINDS.items():
        parameters = fixed | own
        categories = parameters.pop("categorical_feature", [])
        dataset = lightgbm.Dataset(
            rows, labels, categorical_feature=categories, params={"verbose": -1}
        )
        booster = lightgbm.train(parameters, dataset, num_boost_round=25)
        models[kind] = Trained(kind, booster, booster.model_to_string().encode(), odd(rows))
    return models


def odd(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return rows with values in them that training never saw."""
    rows = rows.copy()
    for step, value in ((7, 1e300), (11, -1e300), (13, 1e-36), (17, -0.0), (19, np.inf)):
        rows[::step, 0] = value
    rows[::5, CATEGORY] = np.arange(len(rows[::5])) % 90 - 9
    return rows


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_lightgbms_own(kind: str, trained: dict[str, Trained]) -> None:
    model = TreeModel(read_lightgbm(trained[kind].document, source=kind))
    rows, booster = trained[kind].rows, trained[kind].booster
    # LightGBM's raw score of an averaged model is the sum; its probability is of the average.
    raw = booster.predict(rows, raw_score=True) / model.ensemble.divisor
    assert np.abs(model.score(rows) - raw).max() < 1e-9
    assert np.allclose(model.probability(rows), booster.predict(rows), rtol=0, atol=1e-12)
    assert np.array_equal(model.leaves_reached(rows), booster.predict(rows, pred_leaf=True))
    assert (model.path == "nodes") == (kind == "200-leaves")


@pytest.mark.parametrize("kind", ["missing", "categories", "63-leaves"])
def test_reasons_agree_with_treeshap(kind: str, trained: dict[str, Trained]) -> None:
    """Path contributions are no Shapley values; for what scores high, which is what reasons are
    asked of, they name mostly the same feature first, and nearly always among the first three."""
    model = TreeModel(read_lightgbm(trained[kind].document, source=kind))
    rows = trained[kind].rows
    rows = rows[np.argsort(-model.score(rows))[:600]]
    brought, start = model.contributions(rows)
    shap = np.asarray(trained[kind].booster.predict(rows, pred_contrib=True))
    assert start == pytest.approx(shap[0, -1], abs=1e-9)
    assert np.corrcoef(brought.ravel(), shap[:, :-1].ravel())[0, 1] > 0.95
    first = shap[:, :-1].argmax(1)
    named = np.argsort(-brought, axis=1)[:, :3]
    assert (named[:, 0] == first).mean() > 0.9
    assert (named == first[:, None]).any(1).mean() > 0.99


def test_scores_are_xgboosts_own_to_single_precision() -> None:
    model = TreeModel(load_xgboost(MODELS / "xgboost.json"))
    told = json.loads((MODELS / "xgboost_scores.json").read_text())
    rows = np.array(told["rows"], np.float64)
    assert model.ensemble.feature_names == ("a", "b", "kind", "d", "e", "f")
    assert np.allclose(model.score(rows), told["margins"], rtol=0, atol=2e-6)
    assert np.allclose(model.probability(rows), told["probabilities"], rtol=0, atol=1e-6)


# --- what is refused ------------------------------------------------------------------------------


def lines_of(trained: Trained) -> Iterator[tuple[int, str]]:
    return enumerate(trained.document.decode().split("\n"), 1)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("version", "v9", "of a version other than"),
        ("num_class", "3", "several scores"),
        ("objective", "lambdarank", "isn't read"),
        ("feature_names", "a b", "names another number of features"),
        ("num_leaves", "x", "isn't an integer"),
        ("num_leaves", "999999999", "can't have"),
        ("split_feature", "1 2", "has 2 numbers instead of 30"),
        ("is_linear", "1", "linear leaves"),
    ],
)
def test_a_wrong_line_is_named(
    key: str, value: str, message: str, trained: dict[str, Trained]
) -> None:
    line, old = next((n, text) for n, text in lines_of(trained["missing"]) if text.startswith(key))
    document = trained["missing"].document.replace(old.encode(), f"{key}={value}".encode(), 1)
    with pytest.raises(ModelFileFault, match=message) as caught:
        read_lightgbm(document, source="model.txt")
    assert caught.value.line == line
    assert f"model.txt, line {line}" in str(caught.value)


def test_a_tree_that_is_none_is_refused(trained: dict[str, Trained]) -> None:
    document = trained["missing"].document
    line = next(text for _, text in lines_of(trained["missing"]) if text.startswith("left_child"))
    children = line.split("=")[1].split()
    for place, wrong in ((0, "0"), (0, children[1]), (3, "-500"), (5, "77")):
        changed = "left_child=" + " ".join([*children[:place], wrong, *children[place + 1 :]])
        with pytest.raises(ModelFileFault, match="tree 0 has"):
            read_lightgbm(document.replace(line.encode(), changed.encode(), 1), source="model")


def test_a_file_cut_short_is_refused(trained: dict[str, Trained], tmp_path: Path) -> None:
    path = tmp_path / "model.txt"
    path.write_bytes(trained["missing"].document[:5000])
    with pytest.raises(ModelFileFault, match="ends before"):
        load_lightgbm(path)


def damaged(data: st.DataObject, document: bytes) -> bytes:
    """Return a document with some bytes replaced, where digits stand most of all."""
    changed = bytearray(document)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(changed) - 1))
        changed[place : place + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from([b"", b"-", b"0", b"9", b"1e999", b"nan", b"\n", b"=", b"[", b"\xff"])
        )
    return bytes(changed)


@given(data=st.data())
def test_a_damaged_lightgbm_file_is_refused_or_scores(
    trained: dict[str, Trained], data: st.DataObject
) -> None:
    document = trained["categories"].document.split(b"\nTree=2\n")[0] + b"\nend of trees\n"
    try:
        ensemble = read_lightgbm(damaged(data, document), source="damaged")
    except ModelFileFault:
        return
    scores = TreeModel(ensemble).score(np.zeros((2, len(ensemble.feature_names))))
    assert np.isfinite(scores).all()


@given(data=st.data())
def test_a_damaged_xgboost_file_is_refused_or_scores(data: st.DataObject) -> None:
    document = (MODELS / "xgboost.json").read_bytes()
    try:
        ensemble = read_xgboost(damaged(data, document), source="damaged")
    except ModelFileFault:
        return
    scores = TreeModel(ensemble).score(np.zeros((2, len(ensemble.feature_names))))
    assert np.isfinite(scores).all()
