# The rules of identifiers for C: each takes the first byte of a text of ASCII, which needs no
# terminator, and tells whether it is well formed. The Python modules beside this one say
# what the rules are; both are held equal by tests.

# Of exactly this many bytes.
cdef bint iban_holds(const unsigned char* text) noexcept nogil          # 26
cdef bint card_holds(const unsigned char* text) noexcept nogil          # 16
cdef bint national_id_holds(const unsigned char* text) noexcept nogil   # 10
cdef bint legal_id_holds(const unsigned char* text) noexcept nogil      # 11
cdef bint foreign_id_holds(const unsigned char* text) noexcept nogil    # 12
cdef bint postal_code_holds(const unsigned char* text) noexcept nogil   # 10
cdef bint treasury_holds(const unsigned char* text) noexcept nogil      # 30, of any scheme
cdef bint own_treasury_holds(const unsigned char* text) noexcept nogil  # 30, of our own

# Of a length of their own.
cdef bint mobile_holds(
    const unsigned char* text, Py_ssize_t length,
    const unsigned char* ranges,  # for each number of three digits, whether mobiles begin so
) noexcept nogil
cdef bint bill_id_holds(const unsigned char* text, Py_ssize_t length) noexcept nogil
cdef bint bill_holds(
    const unsigned char* bill, Py_ssize_t bill_length,        # the bill id
    const unsigned char* payment, Py_ssize_t payment_length,  # the payment id
) noexcept nogil
