"""Functions for a form's answers: one by its question's name, and all of them with their questions."""

from bridge.mapping import answers
from bridge.mapping.context import Context
from bridge.mapping.functions.function import LIST, Function, kinds, list_of_argument
from bridge.mapping.values import Unfit, kind_of
from bridge.model import Json


def functions() -> list[Function]:
    """Everything about forms."""
    return [
        Function(
            name="answer",
            parameters=(("string",),),
            returns=None,
            call=_answer,
            is_variadic=True,
            asks_context=True,
        ),
        Function(name="titled", parameters=(("array", "object", "null"), LIST), returns=kinds("array"), call=_titled),
    ]


def _answer(context: Context, *names: str) -> Json:
    return context.form.answer(*names) if context.form is not None else None


def _titled(given: Json, questions: Json) -> Json:
    if given is None:
        return None
    if not isinstance(given, list | dict):
        raise Unfit(f"titled() wants a list or an object, got {kind_of(given)}")
    return answers.titled(given, [] if questions is None else list_of_argument("titled", questions))
