"""What the browser may load and run: one policy, written in every page and in a file for the host.

The policy lets a page load what its own site serves and nothing else: no inline script, style or
handler, no `eval`. WebAssembly is compiled, for the search. In the page it comes before all that
the page loads; the file `_headers` adds what a page cannot declare.
"""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'wasm-unsafe-eval'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
}
# A page that declares this one is not listened to: only a header can.
HEADER_POLICY = {"frame-ancestors": "'self'"}
REFERRER = "same-origin"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": REFERRER,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
FILE = "_headers"
EXPLANATION = """\
# HTTP headers of the site, written by ssphub_book/sphinx/security.py: change them there.
# Netlify and Cloudflare Pages read this file. GitHub Pages and GitLab Pages do not: there, the pages'
# own <meta> holds the policy, less frame-ancestors and the four headers that follow it, but for
# Referrer-Policy, which a <meta> gives too. On a server of your own (nginx, Apache), copy these lines
# into its configuration.
"""


def policy(*parts: dict[str, str]) -> str:
    """The text of a Content-Security-Policy."""
    return "; ".join(f"{name} {sources}" for part in parts for name, sources in part.items())


def meta() -> str:
    """The policy as a page declares it, to be put before all that the page loads."""
    return (
        f'<meta http-equiv="Content-Security-Policy" content="{policy(POLICY)}" />\n'
        f'    <meta name="referrer" content="{REFERRER}" />'
    )


def headers() -> dict[str, str]:
    """The headers that a host should send with every file."""
    return {"Content-Security-Policy": policy(POLICY, HEADER_POLICY)} | HEADERS


def headers_file() -> str:
    """The file `_headers` of a static host."""
    lines = "".join(f"  {name}: {value}\n" for name, value in headers().items())
    return f"{EXPLANATION}/*\n{lines}"


def on_page(app: Sphinx, pagename, templatename, context, doctree) -> None:
    context["metatags"] = f"\n    {meta()}" + context.get("metatags", "")


def on_finished(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        Path(app.outdir, FILE).write_text(headers_file(), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("html-page-context", on_page, priority=999)  # in front of what others add
    app.connect("build-finished", on_finished)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
