"""Forms as they arrive: bounded in size and time like every body, and from our own pages alone."""

from typing import Final

from starlette.requests import Request

from bridge.web.admin.asking import Fields, fields_of
from bridge.web.admin.door import is_from_elsewhere
from bridge.web.admin.refusing import No
from bridge.web.bodies import Bodies, Crowded, Gone, TooLarge, TooSlow

#: A form is no larger, and is here by then; all of them together take no more than that.
FORM_BYTES: Final = 64 * 1024
FORM_SECONDS: Final = 10.0
FORMS_BYTES: Final = 4 * 1024 * 1024


class Forms:
    """Reads forms."""

    def __init__(self) -> None:
        self._bodies = Bodies(most_bytes=FORM_BYTES, seconds=FORM_SECONDS, held_bytes=FORMS_BYTES)

    async def read(self, request: Request) -> Fields:
        """The fields. Raises No when another site had it sent, or it is too large or too slow; NotAForm."""
        if is_from_elsewhere(request):
            await self.drain(request)
            raise No(403, "That came from another site", "These pages take only their own forms.")
        try:
            return fields_of(await self._bodies.read(request.scope, request.receive))
        except TooLarge:
            raise No(413, "That is too large", f"A form has at most {FORM_BYTES // 1024} KiB.") from None
        except (TooSlow, Crowded):
            raise No(408, "That took too long") from None
        except Gone:
            raise No(400, "Nobody is there any more") from None

    async def drain(self, request: Request) -> None:
        """Read what nobody wants, within bounds, so that the answer is heard."""
        await self._bodies.drain(request.receive)
