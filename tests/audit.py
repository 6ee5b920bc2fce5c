"""`python -m tests.audit FOUND.json`: say what pip-audit's answer means; silence of the advisory service is no answer.

Exit: 0 everything pinned was looked up and has no known hole, 1 a hole is known, 2 something could not be looked up.
"""

import json
import sys
from pathlib import Path
from typing import Any


def judged(text: str) -> tuple[int, list[str]]:
    """The exit code and the lines to print for pip-audit's JSON; an empty text when there is none."""
    found: list[dict[str, Any]] = json.loads(text)["dependencies"] if text else []
    skipped = [one["name"] for one in found if "skip_reason" in one]
    holes = [
        f"{one['name']} {one['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version yet'}"
        for one in found
        for hole in one.get("vulns", [])
    ]
    looked_up = len(found) - len(skipped)
    lines = [*holes, f"{looked_up} of {len(found)} pinned packages were looked up, {len(holes)} known holes"]
    if not looked_up:
        lines[-1] = "nothing was audited: PyPI's advisory service could not be asked from here"
    elif skipped:
        lines.append(f"not looked up: {', '.join(skipped)}")
    return (1 if holes else 2 if skipped or not found else 0), lines


def main() -> int:
    """Read the answer, tell, and end accordingly."""
    file = Path(sys.argv[1])
    code, lines = judged(file.read_text(encoding="utf-8") if file.exists() else "")
    print("\n".join(lines))
    return code


if __name__ == "__main__":
    sys.exit(main())
