"""The link that opens a chapter in SSP Cloud: a service that starts, and fetches the chapter's notebook.

There is no documentation of these links but Onyxia's source; `tests/launch_links.py` holds its rules.
A link pins our script and our notebooks by the release's Git tag, and nothing of SSP Cloud: neither
image, nor chart version, nor storage, which all change within weeks.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from ssphub_book.settings import Settings

LAUNCHER = "https://datalab.sspcloud.fr/launcher/ide"
SCRIPT = "sspcloud/init.sh"
DEFAULT_MEMORY = "2Gi"  # what every chart asks for by itself
NOTEBOOKS_TAG = "notebooks-{tag}"  # the tag of the ready-made notebooks that the script clones
PLACEHOLDER = re.compile(r"(^|\.)example(\.org|\.com|\.net)?$")  # hosts reserved for examples

# The chart writes the arguments without quotes in a YAML file and the shell splits them at spaces.
REPOSITORY = re.compile(r"[a-z][a-z0-9.-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*){2,}")
RELEASE = re.compile(r"\d{4}\.\d{2}(\.\d+)?")
CHAPTER = re.compile(r"[a-z][a-z0-9-]*/[a-z0-9][a-z0-9-]*")
MEMORY = re.compile(r"([1-9]\d*)Gi")


class LaunchError(Exception):
    """A link that would not work; the message tells in French what to correct, and where."""


def link(book: Settings, name: str, chart: str, memory: str = DEFAULT_MEMORY) -> str:
    """The launch link of the chapter `name` (`theme/chapter`), on this chart, with this memory.

    Raises LaunchError where `_config.yml` or the chapter's header holds what a link cannot carry.
    """
    if not CHAPTER.fullmatch(name):
        raise LaunchError(f"« {name} » : nommez le chapitre en minuscules, chiffres et tirets, sans accent.")
    size = MEMORY.fullmatch(memory)
    if not size:
        raise LaunchError(f"« {memory} » : la mémoire d'un chapitre s'écrit comme « 4Gi ».")
    values = {"init.personalInit": script(book), "init.personalInitArgs": " ".join(arguments(book, name))}
    if int(size[1]) > int(MEMORY.fullmatch(DEFAULT_MEMORY)[1]):
        values["resources.requests.memory"] = memory
    service = f"cahiers-{name.partition('/')[2]}"
    query = "".join(f"&{key}={quote(f'«{value}»', safe='')}" for key, value in values.items())
    return f"{LAUNCHER}/{chart}?name={service}&autoLaunch=true{query}"


def arguments(book: Settings, name: str) -> tuple[str, str, str]:
    """What the script is given: where the repository is, the release's tag, the chapter."""
    return repository(book), tag(book), name


def tag(book: Settings) -> str:
    """The Git tag of the release. Raises LaunchError where the release is not a dated one."""
    if not RELEASE.fullmatch(book.release):
        message = "écrivez la version sous la forme « 2026.11 », entre guillemets."
        raise LaunchError(f"_config.yml, release, « {book.release} » : {message}")
    return f"v{book.release}"


def repository(book: Settings) -> str:
    """The repository without `https://`: HOST/ORG/REPO. Raises LaunchError where it is anything else."""
    address = book.repository.removeprefix("https://").rstrip("/").removesuffix(".git")
    if not book.repository.startswith("https://") or not REPOSITORY.fullmatch(address):
        message = "donnez l'adresse du dépôt, comme « https://github.com/organisation/depot »."
        raise LaunchError(f"_config.yml, repository, « {book.repository} » : {message}")
    return address


def script(book: Settings) -> str:
    """Where the script is read at its tag, without redirection: SSP Cloud's curl follows none."""
    host, _, path = repository(book).partition("/")
    if host == "github.com":
        return f"https://raw.githubusercontent.com/{path}/{tag(book)}/{SCRIPT}"
    return f"https://{host}/{path}/-/raw/{tag(book)}/{SCRIPT}"


def has_home(book: Settings) -> bool:
    """Whether the repository stands somewhere: until then its host is one reserved for examples."""
    return not PLACEHOLDER.search(urlsplit(book.repository).hostname or "example")
