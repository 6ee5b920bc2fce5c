"""The sign-in and the sign-out: the only pages that a stranger sees."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bridge.web.admin.asking import PREFIX, Fields, fields_of, local
from bridge.web.admin.door import Door, is_in_the_clear
from bridge.web.admin.forms import Forms
from bridge.web.admin.pages import Pages
from bridge.web.admin.refusing import No, too_many
from bridge.web.attempts import Guess

PATH = f"{PREFIX}/sign-in"


class Entrance:
    """Lets operators in and out."""

    def __init__(self, door: Door, forms: Forms, pages: Pages) -> None:
        self._door = door
        self._forms = forms
        self._pages = pages

    async def answer(self, request: Request) -> Response:
        """GET and POST /admin/sign-in."""
        match request.method:
            case "GET" | "HEAD":
                fields = fields_of(request.scope["query_string"])
                if self._door.session_of(request) is not None:
                    return RedirectResponse(_then(fields), status_code=303)
                return self._page(request, fields)
            case "POST":
                return await self._sign_in(request, await self._forms.read(request))
            case _:
                raise No(405, "Not like that", allow="GET, POST")

    def turn_away(self, request: Request) -> Response:
        """Ask to sign in first, and remember what was wanted."""
        if request.method not in ("GET", "HEAD"):
            raise No(401, "You are not signed in", "The session is over: sign in, then do it again.")
        query = request.scope["query_string"].decode("latin-1")
        wanted = local(request.scope["path"] + (f"?{query}" if query else ""))
        return RedirectResponse(PATH + ("?" + urlencode({"next": wanted}) if wanted != PREFIX else ""), status_code=303)

    def sign_out(self, request: Request) -> Response:
        """POST /admin/sign-out: this browser is forgotten."""
        response = RedirectResponse(PATH, status_code=303)
        self._door.let_out(request, response)
        return response

    async def _sign_in(self, request: Request, fields: Fields) -> Response:
        match await self._door.knock(request, fields.get("token", ("",))[0].strip()):
            case Guess.RIGHT:
                response = RedirectResponse(_then(fields), status_code=303)
                self._door.let_in(request, response)
                return response
            case Guess.WRONG:
                return self._page(request, fields, is_wrong=True)
            case _:
                raise too_many()

    def _page(self, request: Request, fields: Fields, *, is_wrong: bool = False) -> Response:
        is_open = is_in_the_clear(request, is_secure=self._door.is_secure(request))
        status = 403 if is_wrong else 200
        return self._pages.plain("sign_in.html", status=status, then=_then(fields), is_wrong=is_wrong, is_open=is_open)


def _then(fields: Fields) -> str:
    return local(fields.get("next", ("",))[0])
