"""A receipt on paper: a page in Persian with a QR code, from which it can be checked offline."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import segno
from fpdf import FPDF
from fpdf.enums import Align, XPos, YPos

from payvand.switch.fees.receipts.receipt import Receipt
from payvand.switch.names.catalogue import persian_digits, persian_number
from payvand.switch.rules.solar_hijri import local, moment_at, solar_text

__all__ = ["printed"]

_FONT: Final = "Vazirmatn"
_INK: Final = (24, 32, 44)
_FAINT: Final = (112, 122, 136)
_RULE: Final = (206, 212, 220)
_ACCENT: Final = (14, 94, 84)
_WIDTH: Final = 148.0
_MARGIN: Final = 14.0
_INNER: Final = _WIDTH - 2 * _MARGIN
_QR: Final = 42.0


class _Page(FPDF):
    """A sheet of A5 with the fonts that Persian needs."""

    def __init__(self) -> None:
        super().__init__(unit="mm", format=(_WIDTH, 210.0))
        for style, name in (("", "Vazirmatn-Regular.ttf"), ("B", "Vazirmatn-Bold.ttf")):
            self.add_font(_FONT, style, Path(__file__).with_name(name))
        self.set_text_shaping(
            use_shaping_engine=True, direction="rtl", script="Arab", language="fa"
        )
        self.set_margins(_MARGIN, _MARGIN, _MARGIN)
        self.set_auto_page_break(auto=True, margin=_MARGIN)
        self.set_creation_date(datetime.fromtimestamp(0, UTC))
        self.add_page()

    def _read_leftward(self) -> None:
        self.set_text_shaping(
            use_shaping_engine=True, direction="rtl", script="Arab", language="fa"
        )

    def line_of(
        self, text: str, size: float, *, style: str = "", color: Any = _INK, align: Align = Align.R
    ) -> None:
        """Write a line over the whole width."""
        self.set_font(_FONT, style, size)
        self.set_text_color(*color)
        self.multi_cell(_INNER, size * 0.56, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def row(self, label: str, value: str, *, latin: bool = False) -> None:
        """Write what something is called to the right, and what it is to the left of that."""
        top = self.get_y()
        self.set_font(_FONT, "", 9)
        self.set_text_color(*_FAINT)
        self.set_xy(_MARGIN + _INNER * 0.66, top)
        self.cell(_INNER * 0.34, 6.4, label, align=Align.R)
        self.set_text_color(*_INK)
        self.set_xy(_MARGIN, top)
        if latin:
            self.set_text_shaping(use_shaping_engine=True, direction="ltr")
        self.cell(_INNER * 0.66, 6.4, value, align=Align.R)
        if latin:
            self._read_leftward()
        self.set_xy(_MARGIN, top + 6.4)

    def rule(self) -> None:
        """Draw a line between parts."""
        self.set_draw_color(*_RULE)
        self.set_line_width(0.25)
        y = self.get_y() + 1.6
        self.line(_MARGIN, y, _MARGIN + _INNER, y)
        self.set_y(y + 1.8)


def printed(receipt: Receipt) -> bytes:
    """Return a receipt as PDF, one page; the same receipt gives the same bytes."""
    assert receipt.details is not None, "a receipt with its details is printed"
    details = receipt.details
    page = _Page()
    page.set_title(f"{receipt.agency} {receipt.year}/{receipt.number}")
    page.line_of(details["agency_name"], 15, style="B", color=_ACCENT)
    page.line_of("رسید پرداخت", 11, color=_FAINT)
    page.rule()
    at = local(moment_at(receipt.paid_at))
    page.row(
        "شمارهٔ رسید", f"{persian_digits(str(receipt.year))}/{persian_digits(str(receipt.number))}"
    )
    page.row("زمان پرداخت", persian_digits(f"{solar_text(at.date())}  {at:%H:%M:%S}"))
    page.row("خدمت", details["service_name"])
    page.row("شمارهٔ مرجع دستگاه", details["reference"], latin=True)
    page.row("شناسهٔ قبض سوییچ", persian_digits(receipt.bill), latin=True)
    if details["bill_id"]:
        page.row("شناسهٔ قبض", persian_digits(details["bill_id"]), latin=True)
        page.row("شناسهٔ پرداخت", persian_digits(details["payment_id"]), latin=True)
    if details["payer"]:
        page.row("شناسهٔ پرداخت‌کننده", persian_digits(details["payer"]), latin=True)
    if details["subject"]:
        page.row("موضوع", details["subject"])
    page.rule()
    for line in details["lines"]:
        page.row(line["name"], f"{persian_number(_grouped(int(line['amount'])))} ریال")
    page.rule()
    page.set_font(_FONT, "B", 12)
    page.line_of(
        f"مبلغ پرداخت‌شده: {persian_number(_grouped(receipt.amount))} ریال", 12.5, style="B"
    )
    page.rule()
    _add_code(page, receipt)
    return bytes(page.output())


def _add_code(page: _Page, receipt: Receipt) -> None:
    """Draw the code, and beside it how it is checked."""
    top = page.get_y()
    matrix = segno.make(receipt.code(), error="m", micro=False).matrix
    module = _QR / len(matrix)
    page.set_fill_color(0, 0, 0)
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            if not row[x]:
                x += 1
                continue
            run = x
            while run < len(row) and row[run]:
                run += 1
            page.rect(_MARGIN + x * module, top + y * module, (run - x) * module, module, style="F")
            x = run
    page.set_xy(_MARGIN + _QR + 5, top)
    page.set_font(_FONT, "", 8)
    page.set_text_color(*_FAINT)
    words = (
        "این رسید با کلید سوییچ امضا شده است. متن کد را با کلید عمومی سوییچ بسنجید؛ "
        "برای این کار به شبکه نیازی نیست:"
    )
    page.multi_cell(_INNER - _QR - 5, 5, words, align=Align.R, new_x=XPos.LEFT, new_y=YPos.NEXT)
    page.set_text_shaping(use_shaping_engine=True, direction="ltr")
    page.set_font(_FONT, "", 7.5)
    page.multi_cell(
        _INNER - _QR - 5,
        4.6,
        f"payvand receipt verify\nkey {receipt.public_key.hex()[:16]}…",
        align=Align.L,
    )


def _grouped(amount: int) -> str:
    return f"{amount:,}"
