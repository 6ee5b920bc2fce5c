"""The table of all functions."""

from typing import Final

from bridge.mapping.functions import coding, forms, lists, money, request, standard, text, times
from bridge.mapping.functions.function import Function

_PARTS: Final = (standard, text, coding, forms, lists, money, times, request)

FUNCTIONS: Final[dict[str, Function]] = {function.name: function for part in _PARTS for function in part.functions()}
