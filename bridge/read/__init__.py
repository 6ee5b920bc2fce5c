"""Proven bytes → one document: JSON, a URL-encoded form or a multipart form, within limits.

Refuses what is not UTF-8, not JSON by the book (NaN included), compressed, too deep or too large — as a value that
says why, never as an exception. Numbers stay exact: integers as int, all others as Decimal.
A lone surrogate (`\\ud800`) is let in; the store replaces it.
"""

from bridge.read.limits import MOST_DEPTH, MOST_NODES
from bridge.read.multipart import MOST_PARTS
from bridge.read.reading import Document, Unreadable, read

__all__ = ["MOST_DEPTH", "MOST_NODES", "MOST_PARTS", "Document", "Unreadable", "read"]
