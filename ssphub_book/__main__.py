"""The command line: `python -m ssphub_book COMMAND`. The Makefile's commands are one call each."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import sys
import tempfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ssphub_book import chapters, environment, ports

ROOT = Path(__file__).resolve().parent.parent
PORT = "0: any free one; by default 8000, or the next free one"
BAD_CALL = 2
INTERRUPTED = 130
UNHEARD = 141  # as a program that SIGPIPE ends


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code (0 done, 1 refused, 2 bad call, 130 interrupted, 141 unheard)."""
    options = _parser().parse_args(arguments)
    environment.activate()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is stopped, as by Ctrl+C
    try:
        code = options.command(options)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("\nInterrompu : le dernier site publié et le cache sont intacts.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # nobody reads any more what it says: `make book | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor what is left to write
        return UNHEARD


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ssphub_book", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="folder of the book")
    commands = parser.add_subparsers(required=True)

    build = commands.add_parser("build", help="execute what changed, build and publish the site")
    build.set_defaults(command=_build)

    test = commands.add_parser(
        "test", help="run every test on every core; arguments, where there are any, are pytest's"
    )
    test.add_argument("--whole", action="store_true", help="no sampling: every chapter, every data set")
    test.add_argument("arguments", nargs=argparse.REMAINDER)
    test.set_defaults(command=_test)

    check = commands.add_parser("check", help="check chapters against the contract")
    check.add_argument("chapters", nargs="*", metavar="CHAPTER", help="a path, `theme/name` or `name`")
    check.add_argument("--format", choices=("text", "github"), default="text")
    check.add_argument("--strict", action="store_true", help="an advice fails too")
    check.set_defaults(command=_check)

    new = commands.add_parser("new", help="start a chapter that passes every check; asks what it needs")
    new.add_argument("--theme", help="folder of notebooks/")
    new.add_argument("--question", help="what the chapter answers; ends with « ? »")
    new.add_argument("--titre", dest="title")
    new.add_argument("--nom", dest="name", help="file name, without extension")
    new.add_argument("--niveau", dest="level", help="débutant, intermédiaire or avancé")
    new.add_argument("--donnees", dest="data", help="a folder of notebooks/data/, or a new name")
    new.set_defaults(command=_new)

    form = commands.add_parser("format", help="format the code cells and the Markdown of chapters and pages")
    form.add_argument("files", nargs="*", type=Path)
    form.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where something would change"
    )
    form.set_defaults(command=_format)

    serve = commands.add_parser("serve", help="serve the built site on loopback")
    serve.add_argument("--port", type=int, help=PORT)
    serve.set_defaults(command=_serve)

    preview = commands.add_parser("preview", help="show the book while it is written, changes by themselves")
    preview.add_argument("chapter", nargs="?", metavar="CHAPTER", help="a page's path, a chapter's name")
    preview.add_argument("--port", type=int, help=PORT)
    preview.set_defaults(command=_preview)

    notebooks = commands.add_parser("notebooks", help="write the notebooks that readers download")
    notebooks.add_argument("--output", type=Path, required=True, help="folder to write them in")
    notebooks.set_defaults(command=_notebooks)

    changes = commands.add_parser("changes", help="list, in JSON, the pages that commits change")
    changes.add_argument("--since", required=True, help="commit to start from")
    changes.set_defaults(command=_changes)

    scale = commands.add_parser("scale", help="time the build of books of more and more synthetic chapters")
    scale.add_argument("--chapters", type=int, nargs="+", default=[10, 40, 100, 300])
    scale.add_argument("--plain-up-to", type=int, default=100, help="largest book also built without us")
    scale.set_defaults(command=_scale)

    mutants = commands.add_parser("mutants", help="perturb cells and report the share that checks catch")
    mutants.add_argument("chapters", nargs="*", metavar="CHAPTER", help="a path, `theme/name` or `name`")
    mutants.add_argument("--sample", type=int, default=12, help="mutants per chapter")
    mutants.add_argument("--minutes", type=float, default=15, help="time bound for all chapters")
    mutants.add_argument("--seed", type=int, help="draws another sample than the usual one")
    mutants.set_defaults(command=_mutants)
    return parser


def _build(options: argparse.Namespace) -> int:
    from ssphub_book import processes

    processes.prepare()  # Sphinx is loaded beside what follows
    with processes.loading():
        from ssphub_book import publication

    try:
        site = publication.build(options.root)
    except (publication.BuildError, chapters.ChapterError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Le livre est dans {site.relative_to(options.root.resolve())} ; pour l'ouvrir : make serve")
    return 0


def _test(options: argparse.Namespace) -> int:
    import pytest

    os.chdir(options.root)
    if options.whole:
        os.environ["SSPHUB_WHOLE"] = "1"
    everything = ["--numprocesses", str(os.cpu_count() or 1), "--dist", "loadfile"]
    return pytest.main(options.arguments or everything)


def _check(options: argparse.Namespace) -> int:
    from ssphub_book import checking

    try:
        checked = checking.check(options.root, options.chapters)
    except chapters.UnknownChapter as error:
        print(error, file=sys.stderr)
        return BAD_CALL
    except chapters.ChapterError as error:
        print(error, file=sys.stderr)
        return 1
    print(*checked.lines(options.format), sep="\n")
    return checked.code(options.strict)


def _new(options: argparse.Namespace) -> int:
    from ssphub_book import scaffold

    root = options.root.resolve()
    read = input if sys.stdin.isatty() else None
    try:
        answers = scaffold.ask(root, vars(options), read, say=print)
        files = scaffold.create(root, answers)
    except scaffold.ScaffoldError as error:
        print(f"Le chapitre n'est pas créé. {error}", file=sys.stderr)
        return 1
    print("Écrits, chapitre et ce qui l'accompagne :")
    print(*(f"  {place}" for place in scaffold.places(root, answers, files)), sep="\n")
    print("Remplacez chaque passage « À ÉCRIRE », avec l'exemple qui le suit. Ensuite :")
    print("  make preview", f"  make check CHAPTER={files[0]}", "  make test", sep="\n")
    return 0


def _format(options: argparse.Namespace) -> int:
    from ssphub_book import formatting

    root = options.root.resolve()
    paths = options.files or formatting.files(root)
    try:
        report = formatting.format_files(root, paths, write=not options.check)
    except chapters.ChapterError as error:
        print(error, file=sys.stderr)
        return 1
    for line in (*report.changed, *report.refused, *report.long):
        print(line)
    verb = "à mettre en forme (make format)" if options.check else "mis en forme"
    counts = f"{len(report.changed)} {verb}, {len(report.refused)} passage(s) laissé(s) tel(s) quel(s)"
    counts += f", {len(report.long)} cellule(s) à couper" if report.long else ""
    print(f"{len(paths)} fichier(s) lu(s), {counts}.")
    return 1 if report.refused or (options.check and report.changed) else 0


def _serve(options: argparse.Namespace) -> int:
    site = options.root / "_build" / "html"
    if not site.is_dir():
        print("Le livre n'est pas construit : lancez d'abord « make book ».", file=sys.stderr)
        return 1
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    say = partial(print, flush=True)
    try:
        server = ports.take(
            lambda port: ThreadingHTTPServer(("127.0.0.1", port), handler), options.port, "serve", say
        )
    except ports.PortTaken as error:
        print(error, file=sys.stderr)
        return 1
    say(f"Le livre est sur http://localhost:{server.server_address[1]}/ (Ctrl+C pour arrêter)")
    with server:
        server.serve_forever()
    return 0


def _preview(options: argparse.Namespace) -> int:
    from ssphub_book import publication
    from ssphub_book.preview import loop

    try:
        wanted = _page(options.root, options.chapter) if options.chapter else None
        loop.run(options.root, options.port, wanted, partial(print, flush=True))
    except chapters.UnknownChapter as error:
        print(error, file=sys.stderr)
        return BAD_CALL
    except (publication.BuildError, chapters.ChapterError, ports.PortTaken) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _page(root: Path, name: str) -> Path:
    """The file of a page, by its path or, for a chapter, by its name too."""
    return Path(name) if Path(name).is_file() else chapters.named(root.resolve(), name).path


def _notebooks(options: argparse.Namespace) -> int:
    from ssphub_book import execution, notebooks

    try:
        runs = execution.execute(chapters.find(options.root), report=print)
        failures = [execution.describe(run) for run in runs.values() if run.failure]
        if not failures:
            notebooks.write_tree(options.root, options.output)
    except chapters.ChapterError as error:
        failures = [str(error)]
    if failures:
        print(*failures, sep="\n", file=sys.stderr)
        return 1
    print(f"Les notebooks de {len(runs)} chapitre(s) sont dans {options.output}")
    return 0


def _changes(options: argparse.Namespace) -> int:
    from ssphub_book import changes

    try:
        found = changes.since(options.root, options.since)
    except changes.UnknownCommit as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(dataclasses.asdict(found)))
    return 0


def _scale(options: argparse.Namespace) -> int:
    from ssphub_book import scale

    say = partial(print, flush=True)
    with tempfile.TemporaryDirectory(prefix="ssphub-scale-") as folder:
        for count in options.chapters:
            scale.measure(options.root, Path(folder), count, count <= options.plain_up_to, say)
    return 0


def _mutants(options: argparse.Namespace) -> int:
    from ssphub_book import mutants

    try:
        names = options.chapters
        book = [chapters.named(options.root, name) for name in names] or chapters.find(options.root.resolve())
    except chapters.UnknownChapter as error:
        print(error, file=sys.stderr)
        return BAD_CALL
    seed = mutants.SEED if options.seed is None else options.seed
    return mutants.main(book, options.sample, options.minutes * 60, seed)


if __name__ == "__main__":
    sys.exit(main())
