"""What ties a chapter to one machine or to the network: addresses, downloads, absolute paths."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from ssphub_book.chapters import Cell, Chapter
from ssphub_book.contract import syntax
from ssphub_book.contract.finding import Finding

ADDRESS = re.compile(r"(?:https?|ftps?|s3|gs|ssh|git)://(?:[^/\s\"'@]*@)?(\[[^\]]*\]|[^/:?#\s\"']+)")
LOOPBACK = re.compile(r"localhost|.*\.localhost|127(?:\.\d+){3}|0\.0\.0\.0|\[::1\]")
UNKNOWN = "…"  # what an f-string computes
FETCHERS = {
    "urlopen", "urlretrieve", "Request", "get", "post", "put", "patch", "delete", "head", "request", "stream",
    "Client", "AsyncClient", "download",
}  # fmt: skip
READER = re.compile(r"(?:read|scan)_\w+")
ENDPOINTS = {"endpoint_url", "aws_endpoint_url", "aws_endpoint", "endpoint"}  # of S3, as its readers name it
QUERIES = {"sql", "execute", "query"}
RUNNERS = {"run", "call", "check_call", "check_output", "Popen", "system", "getoutput"}
INSTALL = re.compile(
    r"(?:sudo )?(?:\S*python[\d.]* -m |uv )?(?:pip3?|conda|mamba|apt|apt-get|npm) (?:.* )?install\b"
)
LOCAL_INSTALL = re.compile(r"--no-index\b|--offline\b")
DOWNLOAD = re.compile(r"(?:sudo )?(?:curl|wget)\b")
GIT_REMOTE = re.compile(r"git (?:.* )?(?:clone|fetch|pull|push|ls-remote|submodule|remote)\b")
GIT_SSH = re.compile(r"\bgit@[\w.-]+:")
PULL = re.compile(r"(?:docker|podman) (?:image )?pull\b")
ENGINE = re.compile(r"(?:docker|podman)\b")  # its paths are those of a container

PLACES = r"/(?:home|Users|root|tmp|mnt|media)(?:/|$)|~/|[A-Za-z]:[\\/]"
ABSOLUTE = re.compile(PLACES)
ABSOLUTE_WORD = re.compile(rf"(?:^|(?<=[\s\"'=(]))(?:(?:{PLACES})[^\s\"')]*|~(?=\s|$))")
HOME = {"pathlib.Path.home", "os.path.expanduser", "?.expanduser"}

DATA_REMEDY = "déposez le fichier dans notebooks/data avec son extract.py, et lisez-le par donnees(…)."
INSTALL_REMEDY = "ajoutez le paquet à requirements.in ; une cellule n'installe rien."
GIT_REMEDY = "prenez pour dépôt distant un dossier temporaire de la machine."
PULL_REMEDY = "faites préparer l'image avant l'exécution."


def _network(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    constants, options = _constants(chapter), _dictionaries(chapter)
    for cell, call, name in syntax.calls(chapter):
        what, remedy = _call(call, name.rsplit(".", 1)[-1], constants)
        if what.startswith("s3://") and _on_this_machine(call, constants, options):
            continue
        if what:
            yield _online(chapter, syntax.line(cell, call), what, remedy)
    for cell in chapter.cells:
        for line, command in syntax.commands(cell):
            what, remedy = _command(command)
            if what:
                yield _online(chapter, line, what, remedy)


def _online(chapter: Chapter, line: int, what: str, remedy: str) -> Finding:
    return Finding(chapter.file, line, "reseau", f"la cellule appelle le réseau : {what}.", remedy)


def _constants(chapter: Chapter) -> dict[str, str]:
    """Names that a cell gives a text: an address is often written once, then used."""
    nodes = [node for cell in chapter.cells for node in syntax.walk(cell)]
    assigned = [node for node in nodes if isinstance(node, ast.Assign)]
    return {
        target.id: node.value.value
        for node in assigned
        for target in node.targets
        if isinstance(target, ast.Name) and _is_text(node.value)
    }


def _dictionaries(chapter: Chapter) -> dict[str, ast.expr]:
    """Names given one value in the whole chapter, then only passed on by keyword: the options of readers."""
    nodes = [node for cell in chapter.cells for node in syntax.walk(cell)]
    written = Counter(node.id for node in nodes if isinstance(node, ast.Name))
    passed = Counter(
        node.value.id for node in nodes if isinstance(node, ast.keyword) and isinstance(node.value, ast.Name)
    )
    return {
        target.id: node.value
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
        for target in node.targets
        if isinstance(target, ast.Name) and written[target.id] == 1 + passed[target.id]
    }


def _on_this_machine(call: ast.Call, constants: dict[str, str], options: dict[str, ast.expr]) -> bool:
    """Whether the call itself says that its `s3://` address is that of a server of this machine."""
    given = syntax.keyword(call, "storage_options")
    given = options.get(given.id) if isinstance(given, ast.Name) else given
    found = [
        _text(value, constants)
        for node in (ast.walk(given) if given else ())
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if key is None or (_is_text(key) and key.value.lower() in ENDPOINTS)  # None: of `**others`
    ]
    hosts = [ADDRESS.match(text) for text in found]
    return bool(hosts) and all(host and LOOPBACK.fullmatch(host[1]) for host in hosts)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _call(call: ast.Call, verb: str, constants: dict[str, str]) -> tuple[str, str]:
    """What a call fetches and the remedy; empty where it stays on the machine."""
    arguments = [_text(node, constants) for node in (*call.args, *(k.value for k in call.keywords))]
    if verb in FETCHERS or READER.fullmatch(verb):
        return next((found for text in arguments if (found := _address(text, start=True))), ""), DATA_REMEDY
    if verb in QUERIES:
        return next((found for text in arguments if (found := _address(text))), ""), DATA_REMEDY
    if verb in RUNNERS:
        commands = [command for text in arguments for command in syntax.split(text)]
        return next((found for command in commands if (found := _command(command))[0]), ("", ""))
    return "", ""


def _text(node: ast.expr, constants: dict[str, str]) -> str:
    """The text of an argument, as far as reading it tells; the words of a list, put together."""
    if _is_text(node):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(v.value if _is_text(v) else UNKNOWN for v in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left, constants) + _text(node.right, constants)
    if isinstance(node, ast.List | ast.Tuple):
        return " ".join(_text(item, constants) for item in node.elts)
    return constants.get(node.id, UNKNOWN) if isinstance(node, ast.Name) else UNKNOWN


def _address(text: str, start: bool = False) -> str:
    """The first address of another machine in a text (or at its start); empty where there is none."""
    for found in ADDRESS.finditer(text):
        if start and found.start():
            return ""
        if UNKNOWN not in found[1] and not LOOPBACK.fullmatch(found[1]):
            return found[0]
    return ""


def _command(command: str) -> tuple[str, str]:
    """What a shell command fetches and the remedy; empty where it stays on the machine."""
    if INSTALL.match(command) and not LOCAL_INSTALL.search(command):
        return INSTALL.match(command)[0], INSTALL_REMEDY
    if GIT_REMOTE.match(command) and (_address(command) or GIT_SSH.search(command)):
        return GIT_REMOTE.match(command)[0], GIT_REMEDY
    if PULL.match(command):
        return PULL.match(command)[0], PULL_REMEDY
    if DOWNLOAD.match(command):
        return _address(command), DATA_REMEDY
    return "", ""


def _paths(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    for cell in chapter.cells:
        for node in _texts(cell):
            if ABSOLUTE.match(node.value):
                yield _absolute(chapter, syntax.line(cell, node), node.value.splitlines()[0][:60])
        for line, command in syntax.commands(cell):
            if not ENGINE.match(command) and (found := ABSOLUTE_WORD.search(command)):
                yield _absolute(chapter, line, found[0])
    for cell, call, name in syntax.calls(chapter):
        if name in HOME:
            yield _absolute(chapter, syntax.line(cell, call), "le dossier personnel")


def _texts(cell: Cell) -> Iterator[ast.Constant]:
    """The texts of a cell, less those that follow a computed part: `f"{dossier}/tmp/x"` is relative."""
    nodes = syntax.walk(cell)
    inside = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values[1:]}
    return (node for node in nodes if _is_text(node) and id(node) not in inside)


def _absolute(chapter: Chapter, line: int, what: str) -> Finding:
    message = f"« {what} » n'existe que sur votre machine, ou y laisse des traces."
    remedy = "lisez les données par donnees(…), écrivez dans un dossier de tempfile."
    return Finding(chapter.file, line, "chemin-absolu", message, remedy)


RULES = (_network, _paths)
