"""Files with a webhook in them: examples of mappings, payloads that somebody saved."""

import sys
from pathlib import Path, PurePath

from bridge.cli import output
from bridge.cli.ending import Failed
from bridge.demo.samples import webhook_of
from bridge.errors import did_you_mean
from bridge.library import Source
from bridge.mapping import Example
from bridge.model import Webhook


def read_payload(path: str, source: str) -> Webhook:
    """The webhook in this file (`-`: stdin), as if it had just come. Raises Failed when it cannot be read."""
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise Failed(f"{path}: cannot be read: {error.strerror}") from error
    return webhook_of(data, source, output.now())


def read_example(source: Source, example: Example) -> Webhook:
    """The webhook of a mapping's example; its path is relative to the mapping. Raises Failed."""
    return read_payload(str(source.file.parent / example.webhook), source.name)


def example_named(source: Source, name: str) -> Example | None:
    """The mapping's example with this name, or whose file has it."""
    known = source.mapping.examples
    return next((example for example in known if name in (example.name, PurePath(example.webhook).stem)), None)


def no_example(source: Source, name: str) -> Failed:
    """The failure that there is none of this name."""
    stems = {PurePath(example.webhook).stem for example in source.mapping.examples}
    return Failed(f'"{source.name}" has no example "{output.printable(name)}": {did_you_mean(name, stems)}')
