"""Bringing in at once what a batch will ask of old transfers."""

from payvand.core.books cimport Books

cdef void recall(Books* books) noexcept nogil
