"""The link of each page to report a mistake: an issue whose title and text are already filled."""

from __future__ import annotations

from urllib.parse import urlencode

from sphinx.application import Sphinx
from sphinx.locale import _


def report_address(repository: str, pagename: str, title: str) -> str:
    """The address of a new issue about one page of the repository."""
    questions = (f"{_('Page:')} {pagename}.md", _("The sentence or the cell:"), _("What is wrong:"))
    body = "\n\n".join(map(str, questions))
    query = urlencode({"title": str(_("Mistake in “{}”")).format(title), "body": body})
    return f"{repository.rstrip('/')}/issues/new?{query}"


def on_page(app: Sphinx, pagename, templatename, context, doctree) -> None:
    repository = app.config.html_theme_options.get("repository_url")
    if doctree is not None and repository:
        title = context.get("plain_title") or pagename
        context["report_address"] = report_address(repository, pagename, title)


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", on_page, priority=960)  # after the plain title is known
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
