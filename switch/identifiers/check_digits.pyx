"""Check digits over arrays of identifiers, without the GIL.

Eight digits are handled at a time as one word of 64 bits: whether all are digits, and what number
they make, takes a few operations and no branch (Lemire and others describe the arithmetic).
An IBAN costs three such words and three divisions by 97.
"""

import sys

import numpy as np

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

assert sys.byteorder == "little", "words of digits are read in this order of bytes"

cdef enum:
    IBAN_LENGTH = 26
    CARD_LENGTH = 16
    NATIONAL_ID_LENGTH = 10
    LEGAL_ID_LENGTH = 11
    FOREIGN_ID_LENGTH = 12
    POSTAL_CODE_LENGTH = 10
    TREASURY_LENGTH = 30
    SUBSCRIBER_LENGTH = 10
    RANGES = 1000
    BILL_LENGTH_MIN = 6
    BILL_LENGTH_MAX = 13

cdef extern from *:
    int __builtin_ctzll(uint64_t word) noexcept nogil

cdef uint64_t ZEROS = 0x3030303030303030  # eight of the character 0

cdef unsigned char[10] LEGAL_WEIGHTS = [29, 27, 23, 19, 17, 29, 27, 23, 19, 17]

ctypedef bint (*rule)(const unsigned char* text) noexcept nogil


def are_ibans(texts):
    return _hold(texts, iban_holds, IBAN_LENGTH)


def are_cards(texts):
    return _hold(texts, card_holds, CARD_LENGTH)


def are_national_ids(texts):
    return _hold(texts, national_id_holds, NATIONAL_ID_LENGTH)


def are_legal_ids(texts):
    return _hold(texts, legal_id_holds, LEGAL_ID_LENGTH)


def are_foreign_ids(texts):
    return _hold(texts, foreign_id_holds, FOREIGN_ID_LENGTH)


def are_postal_codes(texts):
    return _hold(texts, postal_code_holds, POSTAL_CODE_LENGTH)


def are_treasury_references(texts):
    return _hold(texts, treasury_holds, TREASURY_LENGTH)


def are_own_treasury_references(texts):
    return _hold(texts, own_treasury_holds, TREASURY_LENGTH)


def are_mobiles(texts, ranges):
    cdef const unsigned char[:, ::1] rows = _rows(texts)
    cdef const unsigned char[::1] given_out = np.ascontiguousarray(ranges, np.bool_).view(np.uint8)
    cdef Py_ssize_t width = rows.shape[1], row
    if given_out.shape[0] != RANGES:
        raise ValueError(f"{given_out.shape[0]} ranges, not one for each of {RANGES} beginnings")
    answers = np.zeros(rows.shape[0], np.bool_)
    cdef unsigned char[::1] out = answers.view(np.uint8)
    with nogil:
        for row in range(rows.shape[0]):
            out[row] = mobile_holds(
                &rows[row, 0], length_of(&rows[row, 0], width), &given_out[0]
            )
    return answers


def are_bill_ids(texts):
    cdef const unsigned char[:, ::1] rows = _rows(texts)
    cdef Py_ssize_t width = rows.shape[1], row
    answers = np.zeros(rows.shape[0], np.bool_)
    cdef unsigned char[::1] out = answers.view(np.uint8)
    with nogil:
        for row in range(rows.shape[0]):
            out[row] = bill_id_holds(&rows[row, 0], length_of(&rows[row, 0], width))
    return answers


def are_bills(bill_ids, payment_ids):
    cdef const unsigned char[:, ::1] bills = _rows(bill_ids)
    cdef const unsigned char[:, ::1] payments = _rows(payment_ids)
    cdef Py_ssize_t row
    if bills.shape[0] != payments.shape[0]:
        raise ValueError(f"{bills.shape[0]} bill ids and {payments.shape[0]} payment ids")
    answers = np.zeros(bills.shape[0], np.bool_)
    cdef unsigned char[::1] out = answers.view(np.uint8)
    with nogil:
        for row in range(bills.shape[0]):
            out[row] = bill_holds(
                &bills[row, 0], length_of(&bills[row, 0], bills.shape[1]),
                &payments[row, 0], length_of(&payments[row, 0], payments.shape[1]),
            )
    return answers


cdef bint iban_holds(const unsigned char* text) noexcept nogil:
    cdef uint64_t head = word_of(text + 2)  # the check digits and six of the account's
    cdef uint64_t middle = word_of(text + 10)
    cdef uint64_t tail = word_of(text + 18)
    cdef uint64_t check, remainder
    if text[0] != c"I" or text[1] != c"R":
        return False
    if not (are_eight_digits(head) and are_eight_digits(middle) and are_eight_digits(tail)):
        return False
    head = number_of(head)
    check = head // 1_000_000
    if check < 2 or check > 98:
        return False
    # The account, then I = 18 and R = 27, then the check digits, as one number by 97.
    remainder = ((head % 1_000_000) * 100_000_000 + number_of(middle)) % 97
    remainder = (remainder * 100_000_000 + number_of(tail)) % 97
    return (remainder * 1_000_000 + 182_700 + check) % 97 == 1


cdef bint card_holds(const unsigned char* text) noexcept nogil:
    cdef uint64_t head = word_of(text), tail = word_of(text + 8)
    if not (are_eight_digits(head) and are_eight_digits(tail)):
        return False
    if head == tail and head == (head & 0xFF) * <uint64_t>0x0101010101010101:
        return False  # one repeated digit
    # Four lanes of 16 bits, at most 36 in each; the product adds them up in the topmost.
    return ((luhn_lanes(head) + luhn_lanes(tail)) * <uint64_t>0x0001000100010001 >> 48) % 10 == 0


cdef bint national_id_holds(const unsigned char* text) noexcept nogil:
    cdef uint64_t head = word_of(text)
    cdef uint32_t eighth = text[8] - c"0", check = text[9] - c"0", total, remainder, place
    if not are_eight_digits(head) or eighth > 9 or check > 9:
        return False
    if head == (head & 0xFF) * <uint64_t>0x0101010101010101 and text[8] == text[0] == text[9]:
        return False  # one repeated digit
    if head >> 24 == <uint64_t>0x3030303030 and eighth == 0:
        return False  # six zeros in the middle
    total = 2 * eighth
    for place in range(8):
        total += (10 - place) * (text[place] - c"0")
    remainder = total % 11
    return check == (remainder if remainder < 2 else 11 - remainder)


cdef bint legal_id_holds(const unsigned char* text) noexcept nogil:
    cdef uint32_t total, place
    if not (are_eight_digits(word_of(text)) and are_eight_digits(word_of(text + 3))):
        return False
    total = 230 * <uint32_t>(text[9] - c"0" + 2)  # the weights add up to 230
    for place in range(10):
        total += LEGAL_WEIGHTS[place] * <uint32_t>(text[place] - c"0")
    return total % 11 % 10 == <uint32_t>(text[10] - c"0")


cdef bint foreign_id_holds(const unsigned char* text) noexcept nogil:
    return are_eight_digits(word_of(text)) and are_eight_digits(word_of(text + 4))


cdef bint postal_code_holds(const unsigned char* text) noexcept nogil:
    cdef Py_ssize_t place
    if not (are_eight_digits(word_of(text)) and are_eight_digits(word_of(text + 2))):
        return False
    for place in range(5):
        if text[place] == c"0" or text[place] == c"2":
            return False
    return True


cdef bint treasury_holds(const unsigned char* text) noexcept nogil:
    return (
        are_eight_digits(word_of(text))
        and are_eight_digits(word_of(text + 8))
        and are_eight_digits(word_of(text + 16))
        and are_eight_digits(word_of(text + 22))
    )


cdef bint own_treasury_holds(const unsigned char* text) noexcept nogil:
    cdef uint64_t last, remainder
    if not treasury_holds(text):
        return False
    last = number_of(word_of(text + 22)) % 1_000_000
    if last % 100 < 2 or last % 100 > 98:
        return False
    remainder = (number_of(word_of(text)) * 100_000_000 + number_of(word_of(text + 8))) % 97
    remainder = (remainder * 100_000_000 + number_of(word_of(text + 16))) % 97
    return (remainder * 1_000_000 + last) % 97 == 1


cdef bint mobile_holds(
    const unsigned char* text, Py_ssize_t length, const unsigned char* ranges
) noexcept nogil:
    cdef const unsigned char* subscriber
    cdef const char* prefix
    # No two forms are equally long.
    if length == 11:
        prefix = b"0"
    elif length == 13:
        prefix = b"+98"
    elif length == 12:
        prefix = b"98"
    elif length == 14:
        prefix = b"0098"
    elif length == 10:
        prefix = b""
    else:
        return False
    if memcmp(text, prefix, length - SUBSCRIBER_LENGTH) != 0:
        return False
    subscriber = text + length - SUBSCRIBER_LENGTH
    if not (are_eight_digits(word_of(subscriber)) and are_eight_digits(word_of(subscriber + 2))):
        return False
    return ranges[
        100 * (subscriber[0] - c"0") + 10 * (subscriber[1] - c"0") + subscriber[2] - c"0"
    ]


cdef bint bill_id_holds(const unsigned char* text, Py_ssize_t length) noexcept nogil:
    cdef unsigned char digits[16]
    if spread(text, length, digits) < BILL_LENGTH_MIN:
        return False
    # The check digit itself stands where the weight is 7.
    return check_of(weighted(digits, 5) - 7 * digits[15]) == digits[15]


cdef bint bill_holds(
    const unsigned char* bill, Py_ssize_t bill_length,
    const unsigned char* payment, Py_ssize_t payment_length,
) noexcept nogil:
    cdef unsigned char digits[16]
    cdef unsigned char bill_digits[16]
    cdef Py_ssize_t written = spread(payment, payment_length, digits)
    cdef uint32_t total
    if written < BILL_LENGTH_MIN or not bill_id_holds(bill, bill_length):
        return False
    if check_of(weighted(digits, 4) - 7 * digits[14] - 6 * digits[15]) != digits[14]:
        return False
    spread(bill, bill_length, bill_digits)
    # The bill id stands to the left of the payment id without its last digit.
    total = weighted(digits, 5) - 7 * digits[15] + weighted(bill_digits, (written - 1) % 6)
    return check_of(total) == digits[15]


# The weights 2 to 7 from the rightmost digit on, over and over. Row n is for digits with
# n others to the right of them; a row that begins at 5 weights the rightmost as the last of a
# round and the one beside it as the first, so it fits a number with its check digit behind it.
cdef unsigned char WEIGHTS[6][16]
for _row in range(6):
    for _place in range(16):
        WEIGHTS[_row][_place] = 2 + (15 - _place + _row) % 6


cdef inline uint32_t weighted(const unsigned char* digits, Py_ssize_t others) noexcept nogil:
    """Return the weighted sum of 16 digits that have so many *others* (by 6) on their right."""
    cdef uint32_t total = 0
    cdef Py_ssize_t place
    for place in range(16):
        total += digits[place] * WEIGHTS[others][place]
    return total


cdef inline uint32_t check_of(uint32_t total) noexcept nogil:
    cdef uint32_t remainder = total % 11
    return 0 if remainder < 2 else 11 - remainder


cdef inline Py_ssize_t spread(
    const unsigned char* text,
    Py_ssize_t length,
    unsigned char* digits,  # out: 16 digits as numbers, zeros before those of the text
) noexcept nogil:
    """Return how many digits *text* has without padding, or -1 where it is no 6 to 13 digits."""
    cdef uint64_t[2] words
    cdef unsigned char* bytes = <unsigned char*>words
    cdef Py_ssize_t zeros
    if length < BILL_LENGTH_MIN or length > BILL_LENGTH_MAX:
        return -1
    words[0] = words[1] = ZEROS
    # Two copies of a fixed size that may overlap are cheaper than one of any size.
    if length >= 8:
        memcpy(bytes + 16 - length, text, 8)
        memcpy(bytes + 8, text + length - 8, 8)
    else:
        memcpy(bytes + 16 - length, text, 4)
        memcpy(bytes + 12, text + length - 4, 4)
    if not (are_eight_digits(words[0]) and are_eight_digits(words[1])):
        return -1
    words[0] ^= ZEROS
    words[1] ^= ZEROS
    memcpy(digits, words, 16)
    if words[0]:
        zeros = __builtin_ctzll(words[0]) >> 3
    elif words[1]:
        zeros = 8 + (__builtin_ctzll(words[1]) >> 3)
    else:
        zeros = 16
    return 16 - zeros


cdef inline uint64_t word_of(const unsigned char* text) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, text, 8)
    return word


cdef inline bint are_eight_digits(uint64_t word) noexcept nogil:
    """Tell whether each byte is `0` to `9`: 3 on the left, and so too with 6 added."""
    cdef uint64_t left = <uint64_t>0xF0F0F0F0F0F0F0F0
    cdef uint64_t over = (word + <uint64_t>0x0606060606060606) & left
    return (word & left | over >> 4) == <uint64_t>0x3333333333333333


cdef inline uint64_t number_of(uint64_t word) noexcept nogil:
    """Return the number that eight digits make: pairs first, then fours, then all eight."""
    word = (word & <uint64_t>0x0F0F0F0F0F0F0F0F) * 2561 >> 8
    word = (word & <uint64_t>0x00FF00FF00FF00FF) * 6553601 >> 16
    return (word & <uint64_t>0x0000FFFF0000FFFF) * <uint64_t>42949672960001 >> 32


cdef inline uint64_t luhn_lanes(uint64_t word) noexcept nogil:
    """Return Luhn's sum of eight digits in four lanes of 16 bits, the first digit doubled."""
    cdef uint64_t doubled = word & <uint64_t>0x000F000F000F000F
    cdef uint64_t single = word >> 8 & <uint64_t>0x000F000F000F000F
    # With 11 added, a digit of 5 or more shows in the fifth bit: its double has two digits.
    cdef uint64_t two = doubled + <uint64_t>0x000B000B000B000B >> 4 & <uint64_t>0x0001000100010001
    return single + 2 * doubled - 9 * two


cdef inline Py_ssize_t length_of(const unsigned char* text, Py_ssize_t width) noexcept nogil:
    """Return the length of an item without its padding."""
    while width and text[width - 1] == 0:
        width -= 1
    return width


cdef object _hold(object texts, rule holds, Py_ssize_t length):
    """Ask the rule of identifiers of one length about each of *texts*."""
    cdef const unsigned char[:, ::1] rows = _rows(texts)
    cdef Py_ssize_t width = rows.shape[1], row, place
    answers = np.zeros(rows.shape[0], np.bool_)
    cdef unsigned char[::1] out = answers.view(np.uint8)
    if width < length:
        return answers
    with nogil:
        for row in range(rows.shape[0]):
            out[row] = holds(&rows[row, 0])
        if width > length:
            for row in range(rows.shape[0]):
                for place in range(length, width):
                    out[row] &= rows[row, place] == 0
    return answers


cdef object _rows(object texts):
    """Return *texts* as rows of bytes; a row holds at least one."""
    if not isinstance(texts, np.ndarray) or texts.dtype.kind != "S" or texts.ndim != 1:
        raise ValueError("give a one-dimensional NumPy array of bytes")
    width = max(texts.dtype.itemsize, 1)
    if texts.dtype.itemsize < width:
        texts = texts.astype("S1")
    return np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), width)
