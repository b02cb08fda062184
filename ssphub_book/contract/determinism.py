"""What would make two runs of a chapter differ: draws without a seed, the time of the day."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ssphub_book.chapters import Cell, Chapter
from ssphub_book.contract import syntax
from ssphub_book.contract.drawing import DRAWS, DRAWS_WHEN
from ssphub_book.contract.finding import Finding

GENERATORS = {
    "numpy.random.default_rng", "numpy.random.RandomState", "numpy.random.SeedSequence", "random.Random",
    "numpy.random.PCG64", "numpy.random.PCG64DXSM", "numpy.random.MT19937", "numpy.random.Philox",
    "numpy.random.SFC64", "pyspark.sql.functions.rand", "pyspark.sql.functions.randn",
}  # fmt: skip
SEEDERS = {"numpy": "numpy.random.seed", "random": "random.seed"}  # of the generator that all calls share
NOT_DRAWN = {"seed", "getstate", "setstate", "get_state", "set_state", "Generator", "SystemRandom"}
SEED_WORDS = ("random_state", "seed")
GENERATOR_REMEDY = "donnez une graine : np.random.default_rng(2024)."
SAMPLERS = {"sample", "sampleBy", "randomSplit", "rvs"}  # methods of tables and of laws
SAMPLE_REMEDY = "ajoutez l'argument random_state (seed pour Spark et Polars), avec un nombre fixe."
STATE_REMEDY = "ajoutez l'argument random_state, avec un nombre fixe."

CLOCKS = {
    "datetime.datetime.now", "datetime.datetime.today", "datetime.datetime.utcnow", "datetime.date.today",
    "time.time", "time.time_ns", "time.perf_counter", "time.perf_counter_ns", "time.monotonic",
    "time.monotonic_ns", "time.process_time", "time.localtime", "time.gmtime", "time.ctime",
    "pandas.Timestamp.now", "pandas.Timestamp.today", "pandas.Timestamp.utcnow", "timeit.timeit",
    "timeit.default_timer", "timeit.repeat",
}  # fmt: skip
READS_NOW = {"pandas.to_datetime", "pandas.Timestamp", "numpy.datetime64"}  # of "now" or "today"
TIME_MAGIC = re.compile(r"^\s*%%?(?:time|timeit)\b", re.MULTILINE)
DATE_COMMAND = re.compile(r"date(?:\s+[+\"'].*)?|time\b.*")
UNSEEN = {"remove-cell", "remove-output", "verification"}
SHOWS = {"print", "display", "pprint", "Markdown", "HTML"}
WRITES = {"title", "suptitle", "set_title", "text", "annotate", "set_xlabel", "set_ylabel"}  # on a figure


def _seeds(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    calls = syntax.calls(chapter)
    given = {name for _, call, name in calls if call.args}
    seeded = {module for module, seed in SEEDERS.items() if seed in given}
    generators = _generators(chapter)
    for cell, call, name in calls:
        if remedy := _unseeded(call, name, seeded, generators):
            message = f"« {ast.unparse(call.func)[-60:]} » tire au hasard sans graine."
            yield Finding(chapter.file, syntax.line(cell, call), "graine", message, remedy)


def _generators(chapter: Chapter) -> set[str]:
    """Names that hold a generator: what they draw follows its seed."""
    names, found = syntax.imported(chapter), set()
    for node in (node for cell in chapter.cells for node in syntax.walk(cell)):
        drawn = node.value if isinstance(node, ast.Assign) else None
        if isinstance(drawn, ast.Call) and syntax.full_name(drawn.func, names) in GENERATORS:
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def _unseeded(call: ast.Call, name: str, seeded: set[str], generators: set[str]) -> str:
    """The remedy where a call draws without a seed; empty where it does not draw, or has one."""
    module, _, verb = name.rpartition(".")
    if any(k.arg is None for k in call.keywords):  # `**options`, which may hold the seed
        return ""
    if name in GENERATORS:
        return GENERATOR_REMEDY if _no_seed(call, 0) else ""
    if module in {"numpy.random", "random"} and verb not in NOT_DRAWN:
        return "" if module.split(".")[0] in seeded else GENERATOR_REMEDY
    if module.startswith("sklearn."):
        return STATE_REMEDY if _sklearn_draws(call, module, verb) and _no_seed(call) else ""
    drawn = verb in SAMPLERS and module and not _by_generator(call, generators)
    return SAMPLE_REMEDY if drawn and not _has_seed(call, verb) else ""


def _no_seed(call: ast.Call, position: int | None = None) -> bool:
    """Whether neither a keyword nor the argument at `position` gives a seed."""
    given = [syntax.keyword(call, word) for word in SEED_WORDS]
    if position is not None and len(call.args) > position:
        given.append(call.args[position])
    return all(syntax.is_none(node) for node in given)


def _sklearn_draws(call: ast.Call, module: str, verb: str) -> bool:
    if verb == "train_test_split" and _constant(syntax.keyword(call, "shuffle")) is False:
        return False
    if verb in DRAWS_WHEN:
        option, values = DRAWS_WHEN[verb]
        return _constant(syntax.keyword(call, option)) in values
    return verb in DRAWS or (module.startswith("sklearn.datasets") and verb.startswith("make_"))


def _constant(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _by_generator(call: ast.Call, generators: set[str]) -> bool:
    return isinstance(call.func, ast.Attribute) and bool(syntax.used(call.func.value) & generators)


def _has_seed(call: ast.Call, verb: str) -> bool:
    """A seed by keyword, or, as Spark takes it, after the shares (and the flag of replacement)."""
    if not _no_seed(call):
        return True
    flag = bool(call.args) and isinstance(_constant(call.args[0]), bool)
    before_seed = {"randomSplit": 1, "sampleBy": 2, "sample": 1 + flag}.get(verb)
    return before_seed is not None and len(call.args) > before_seed


def _clock(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    names, timed = syntax.imported(chapter), set()
    for cell in chapter.cells:
        hidden = cell.tags & UNSEEN or "mesure" in cell.tags
        for line in _magics(cell):
            if not hidden:
                yield _dated(chapter, line, [])
        tree = syntax.tree(cell)
        for rank, statement in enumerate(tree.body if tree else ()):
            shown = _shown(statement, last=rank == len(tree.body) - 1)
            dated = [node for node in shown if _reads_clock(node, names) or syntax.used(node) & timed]
            if dated and not hidden:
                yield _dated(chapter, syntax.line(cell, dated[0]), sorted(syntax.used(dated[0]) & timed))
            timed = _timed(statement, names, timed)


def _dated(chapter: Chapter, line: int, carriers: list[str]) -> Finding:
    """`carriers`: the names that bring the time to the page; none where it is read on the spot."""
    message = "la page montrerait une heure ou une durée, qui change à chaque exécution."
    if carriers:
        names = ", ".join(f"« {name} »" for name in carriers)
        message = f"par {names}, {message}"
    remedy = "écrivez une date fixe ; si la durée est le sujet, donnez à la cellule l'étiquette « mesure »."
    return Finding(chapter.file, line, "horloge", message, remedy)


def _magics(cell: Cell) -> Iterator[int]:
    """Lines of the magics and commands that print a time."""
    for found in TIME_MAGIC.finditer(cell.source):
        yield cell.line + cell.source[: found.start()].count("\n")
    for line, command in syntax.commands(cell):
        if DATE_COMMAND.fullmatch(command):
            yield line


def _shown(statement: ast.stmt, last: bool) -> list[ast.expr]:
    """What a statement puts on the page: the value of the last one, what is printed, the text of figures."""
    found: list[ast.expr] = [statement.value] if last and isinstance(statement, ast.Expr) else []
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return found
    for node in ast.walk(statement):
        if isinstance(node, ast.Call):
            verb = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if verb in SHOWS or (verb in WRITES and isinstance(node.func, ast.Attribute)):
                found += [*node.args, *(k.value for k in node.keywords)]
    return found


def _reads_clock(node: ast.AST, names: dict[str, str]) -> bool:
    for call in (n for n in ast.walk(node) if isinstance(n, ast.Call)):
        name = syntax.full_name(call.func, names)
        now = [_constant(argument) in {"now", "today"} for argument in call.args[:1]]
        if name in CLOCKS or (name in READS_NOW and any(now)):
            return True
        if name == "time.strftime" and len(call.args) < 2:
            return True
    return False


def _timed(statement: ast.stmt, names: dict[str, str], timed: set[str]) -> set[str]:
    """Names that hold a time after a statement of the cell."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return timed
    found = set(timed)
    for node in ast.walk(statement):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            bound = {name.id for t in targets for name in ast.walk(t) if isinstance(name, ast.Name)}
            if _reads_clock(node.value, names) or syntax.used(node.value) & found:
                found |= bound
            elif all(isinstance(target, ast.Name) for target in targets):
                found -= bound
    return found


RULES = (_seeds, _clock)
