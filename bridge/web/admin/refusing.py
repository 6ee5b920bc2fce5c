"""A request that is not answered with what it wants: which status, and what the operator is told."""


class No(Exception):
    """Ends a request with a page that says why."""

    def __init__(self, status: int, title: str, text: str = "", *, retry_after: int = 0, allow: str = "") -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text
        self.retry_after = retry_after
        self.allow = allow

    @property
    def headers(self) -> dict[str, str]:
        """What the status needs beside it."""
        retry = {"retry-after": str(self.retry_after)} if self.retry_after else {}
        return retry | ({"allow": self.allow} if self.allow else {})


def too_many() -> No:
    """Too many wrong tokens were tried."""
    text = "Too many wrong tokens were tried. Who is signed in already goes on; everybody else tries again in a moment."
    return No(429, "Try again in a moment", text, retry_after=5)
