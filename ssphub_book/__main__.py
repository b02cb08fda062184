"""The command line: `python -m ssphub_book COMMAND`. The Makefile's commands are one call each."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ssphub_book import chapters, contract, environment

ROOT = Path(__file__).resolve().parent.parent
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code (0 done, 1 refused, 130 interrupted)."""
    options = _parser().parse_args(arguments)
    environment.activate()
    try:
        return options.command(options)
    except KeyboardInterrupt:
        print("\nInterrompu : le dernier site publié et le cache sont intacts.", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ssphub_book", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="folder of the book")
    commands = parser.add_subparsers(required=True)

    build = commands.add_parser("build", help="execute what changed, build and publish the site")
    build.set_defaults(command=_build)

    test = commands.add_parser("test", help="run every test; arguments are pytest's")
    test.add_argument("--whole", action="store_true", help="no sampling: every chapter, every data set")
    test.add_argument("arguments", nargs=argparse.REMAINDER)
    test.set_defaults(command=_test)

    check = commands.add_parser("check", help="check chapters against the contract")
    check.add_argument("chapters", nargs="*", type=Path)
    check.set_defaults(command=_check)

    serve = commands.add_parser("serve", help="serve the built site on loopback")
    serve.add_argument("--port", type=int, default=8000)
    serve.set_defaults(command=_serve)

    preview = commands.add_parser("preview", help="show the book while it is written, changes by themselves")
    preview.add_argument("chapter", nargs="?", type=Path, help="the chapter to open")
    preview.add_argument("--port", type=int, default=8000)
    preview.set_defaults(command=_preview)

    notebooks = commands.add_parser("notebooks", help="write the notebooks that readers download")
    notebooks.add_argument("--output", type=Path, required=True, help="folder to write them in")
    notebooks.set_defaults(command=_notebooks)

    mutants = commands.add_parser("mutants", help="perturb cells and report the share that checks catch")
    mutants.add_argument("chapters", nargs="*", type=Path)
    mutants.add_argument("--sample", type=int, default=12, help="mutants per chapter")
    mutants.add_argument("--minutes", type=float, default=15, help="time bound for all chapters")
    mutants.set_defaults(command=_mutants)
    return parser


def _build(options: argparse.Namespace) -> int:
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
    return pytest.main(options.arguments)


def _check(options: argparse.Namespace) -> int:
    try:
        book = _selected(options)
    except chapters.ChapterError as error:
        print(error, file=sys.stderr)
        return 1
    if options.chapters:
        toc = set(contract.table_of_contents(options.root))
        findings = [finding for chapter in book for finding in contract.check(chapter, toc)]
    else:
        findings = contract.check_book(book, options.root.resolve())
    for finding in findings:
        print(finding)
    print(f"{len(book)} chapitre(s) vérifié(s), {len(findings)} point(s) à corriger.")
    return 1 if findings else 0


def _selected(options: argparse.Namespace) -> list[chapters.Chapter]:
    if options.chapters:
        return [chapters.read(options.root, path) for path in options.chapters]
    return chapters.find(options.root.resolve())


def _serve(options: argparse.Namespace) -> int:
    site = options.root / "_build" / "html"
    if not site.is_dir():
        print("Le livre n'est pas construit : lancez d'abord « make book ».", file=sys.stderr)
        return 1
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", options.port), handler)
    except OSError:
        print(f"Le port {options.port} est pris : essayez « make serve PORT=8001 ».", file=sys.stderr)
        return 1
    print(f"Le livre est sur http://localhost:{options.port}/ (Ctrl+C pour arrêter)", flush=True)
    with server:
        server.serve_forever()
    return 0


def _preview(options: argparse.Namespace) -> int:
    from ssphub_book import publication
    from ssphub_book.preview import loop

    try:
        loop.run(options.root, options.port, options.chapter, partial(print, flush=True))
    except (publication.BuildError, chapters.ChapterError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        print(f"Le port {options.port} est pris : essayez « make preview PORT=8001 ».", file=sys.stderr)
        return 1
    return 0


def _notebooks(options: argparse.Namespace) -> int:
    from ssphub_book import execution, notebooks

    try:
        runs = execution.execute(chapters.find(options.root), report=print)
        failures = [execution.describe(run) for run in runs.values() if run.failure]
        if not failures:
            notebooks.write_tree(options.root, options.output, runs)
    except chapters.ChapterError as error:
        failures = [str(error)]
    if failures:
        print(*failures, sep="\n", file=sys.stderr)
        return 1
    print(f"Les notebooks de {len(runs)} chapitre(s) sont dans {options.output}")
    return 0


def _mutants(options: argparse.Namespace) -> int:
    from ssphub_book import mutants

    return mutants.main(_selected(options), options.sample, options.minutes * 60)


if __name__ == "__main__":
    sys.exit(main())
