"""Releasing reservations whose time has run out."""

from payvand.core.books cimport Books
from payvand.core.types cimport u64

cdef void expire(Books* books, u64 now) noexcept nogil
