"""What a page is made of, as a browser reads it: whatever our templates do not use, a sender has put there."""

from html.parser import HTMLParser

#: All that our templates use.
TAGS = frozenset(
    """html head meta title link body a header div span nav ul ol li form label input button main h1 h2 h3 h4 small p dl
    dt dd table thead tbody tr th td section pre time code details summary fieldset legend select option footer
    strong""".split()  # noqa: SIM905
)
ATTRIBUTES = frozenset(
    """lang charset name content rel href type class action method role for id placeholder maxlength autocomplete
    autocapitalize spellcheck value tabindex datetime title data-name scope selected checked aria-label aria-current
    aria-hidden aria-labelledby hidden required autofocus download http-equiv""".split()  # noqa: SIM905
)


class Reader(HTMLParser):
    """What a page is made of, as a browser reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.odd: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.odd += [] if tag in TAGS else [tag]
        self.odd += [f"{tag} {name}" for name, _ in attrs if name not in ATTRIBUTES]
        for name, value in attrs:
            if name in ("href", "action") and not (value or "").startswith(("/admin", "#")):
                self.odd.append(f"{tag} {name}={value}")

    def handle_comment(self, data: str) -> None:
        self.odd.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.odd += [] if decl == "doctype html" else [decl]

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader
