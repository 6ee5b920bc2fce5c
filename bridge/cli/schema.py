"""`trackbridge schema`: the JSON Schema of a mapping, so that editors complete, explain and underline."""

import argparse
from pathlib import Path

from bridge import schema
from bridge.cli.ending import Exit, Failed
from bridge.cli.output import say, talk

EXAMPLE = f"schema --output mappings/{schema.FILE}"

DETAILS = f"""\
Editors with YAML support (VS Code with the Red Hat YAML extension, JetBrains, Neovim and others with
yaml-language-server) read it when a mapping says where it is, relative to the mapping:

  # yaml-language-server: $schema={schema.FILE}
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """Where to write it."""
    parser.add_argument("--output", type=Path, metavar="FILE", help="write it to this file (default: print it)")
    parser.description = f"{parser.description}\n\n{DETAILS}"


def run(options: argparse.Namespace) -> int:
    """Print the schema, or write it to a file, whatever stood there."""
    if options.output is None:
        say(schema.text().rstrip("\n"))
        return Exit.DONE
    try:
        options.output.write_text(schema.text(), encoding="utf-8")
    except OSError as error:
        raise Failed(f"{options.output}: cannot be written: {error.strerror}") from error
    talk(f"wrote {options.output}")
    return Exit.DONE
