"""`payvand bench ledger --plots`: a page with drawings, from real points."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from click.testing import CliRunner

from payvand.bench.cli import bench
from payvand.settlement.reporting.chart import Chart, Line, side_by_side

SVG = "{http://www.w3.org/2000/svg}"


def test_a_page_of_plots_shows_batch_size_accounts_and_history(tmp_path: Path) -> None:
    page = tmp_path / "page"
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = CliRunner().invoke(
        bench, ["ledger", "--quick", "--plots", str(page), "--folder", str(scratch)]
    )
    assert done.exit_code == 0, done.stderr
    text = (page / "plots.md").read_text()
    for name in ("batch", "accounts", "history"):
        assert f"]({name}.svg)" in text
        drawing = ElementTree.parse(page / f"{name}.svg").getroot()
        assert len(drawing.findall(f"{SVG}path")) == 4, "two lines in each of two charts"
    assert not list(scratch.iterdir())


def test_points_stand_where_their_values_are() -> None:
    chart = Chart("t", "x", [Line("a", [(1, 10), (10, 20), (100, 40)])], x_logarithmic=True)
    root = ElementTree.fromstring(side_by_side([chart]))
    points = [each for each in root.findall(f"{SVG}circle") if each.get("r") == "3"]
    xs = [float(each.get("cx", "")) for each in points]
    ys = [float(each.get("cy", "")) for each in points]
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1], abs=0.2)
    assert ys[0] - ys[1] == pytest.approx((ys[1] - ys[2]) / 2, abs=0.2)
