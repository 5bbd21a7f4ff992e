"""Made-up people, firms and purposes for a sandbox day. Common names, joined at random."""

from random import Random
from typing import Final

__all__ = ["firm", "person", "purpose"]

_GIVEN: Final = (
    *("آرش", "آناهیتا", "امیر", "بهار", "بهرام", "پریسا", "پویا", "ترانه", "حسین", "زهرا"),
    *("سارا", "سپیده", "سیامک", "شیرین", "علی", "فاطمه", "فرهاد", "کاوه", "کیان", "لاله"),
    *("محمد", "مریم", "مهدی", "مینا", "نادر", "نرگس", "نسرین", "هما", "یاسمن", "یوسف"),
)
_FAMILY: Final = (
    *("احمدی", "اکبری", "امینی", "باقری", "بهرامی", "پارسا", "تهرانی", "جعفری", "حسینی"),
    *("حیدری", "رحیمی", "رستمی", "رضایی", "زمانی", "سلطانی", "شریفی", "صادقی", "طاهری"),
    *("عباسی", "فرهادی", "قاسمی", "کاظمی", "کریمی", "محمدی", "مرادی", "موسوی", "نوری"),
)
_TRADES: Final = (
    *("فولاد", "پخش", "نساجی", "داروسازی", "کشت و صنعت", "ترابری", "چاپ", "شیمیایی"),
    *("ساختمانی", "نرم‌افزاری", "بازرگانی", "لبنیات"),
)
_PLACES: Final = ("البرز", "اروند", "الوند", "پارس", "دماوند", "زاگرس", "سهند", "کارون", "هیرکان")
_PURPOSES: Final = (
    "حقوق",
    "اجاره",
    "فاکتور",
    "پیش‌پرداخت",
    "تسویه حساب",
    "خرید کالا",
    "دستمزد",
    "قسط",
)


def person(random: Random) -> str:
    """Return a person's name."""
    return f"{random.choice(_GIVEN)} {random.choice(_FAMILY)}"


def firm(random: Random) -> str:
    """Return a firm's name."""
    return f"شرکت {random.choice(_TRADES)} {random.choice(_PLACES)}"


def purpose(random: Random) -> str:
    """Return what a payment may be for, with a number of its own."""
    return f"{random.choice(_PURPOSES)} {random.randrange(1_000, 99_999)}"
