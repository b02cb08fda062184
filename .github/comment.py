"""Write the comment of a pull request, in French, from what the untrusted build left.

Reads `received/changes.json` (hostile: only page names of a known shape go through), `artifacts.json`
(from GitHub) and the variables REPOSITORY, RUN, CONCLUSION and COMMIT. Standard library alone.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

MARK = "<!-- cahiers -->"  # what the workflow finds its own comment by
PAGE = re.compile(r"(?:book|notebooks)(?:/[a-z0-9][a-z0-9-]{0,60}){1,4}")
LARGEST = 100_000  # bytes of the list
MOST = 60  # pages named
PREVIEW = "apercu-du-livre"


def changes(path: Path) -> tuple[list[str], bool]:
    """The pages that changed, and whether all may have; nothing where the file is not what it should be."""
    try:
        if path.stat().st_size > LARGEST:
            return [], False
        said = json.loads(path.read_text(encoding="utf-8"))
        pages = [page for page in said["pages"] if isinstance(page, str) and PAGE.fullmatch(page)]
        return sorted(set(pages)), said["everywhere"] is True
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return [], False


def preview(path: Path, repository: str, run: str) -> str | None:
    """The address of the built book among the run's artifacts, or None where it was not built."""
    found = json.loads(path.read_text(encoding="utf-8"))["artifacts"]
    number = next((item["id"] for item in found if item["name"] == PREVIEW), None)
    return number and f"https://github.com/{repository}/actions/runs/{run}/artifacts/{int(number)}"


def comment(pages: list[str], everywhere: bool, address: str | None, conclusion: str, run: str) -> str:
    """The whole comment in Markdown."""
    if address:
        built = f"Le livre est construit : [téléchargez-le]({address}), puis ouvrez `index.html`."
    else:
        built = f"Le livre n'a pas pu être construit : [lisez pourquoi]({run})."
    lines = [MARK, "### Aperçu de votre proposition", "", built]
    if conclusion != "success" and address:
        lines += ["", f"Des points restent à régler : ils sont annotés dans les fichiers, et [ici]({run})."]
    lines += ["", *_listed(pages, everywhere)]
    return "\n".join(lines) + "\n"


def _listed(pages: list[str], everywhere: bool) -> list[str]:
    lines = ["Pages modifiées :", "", *(f"- `{page}`" for page in pages[:MOST])] if pages else []
    if len(pages) > MOST:
        lines.append(f"- et {len(pages) - MOST} autres")
    if everywhere:
        lines += ["", "La proposition touche à ce que toutes les pages partagent : relisez-en quelques-unes."]
    return lines or ["Aucune page ne change."]


def main() -> None:
    repository, run = os.environ["REPOSITORY"], os.environ["RUN"]
    pages, everywhere = changes(Path("received/changes.json"))
    address = preview(Path("artifacts.json"), repository, run)
    page = f"https://github.com/{repository}/actions/runs/{run}"
    print(comment(pages, everywhere, address, os.environ["CONCLUSION"], page), end="")
    print(f"\nCommit {os.environ['COMMIT'][:7]}.")


if __name__ == "__main__":
    main()
