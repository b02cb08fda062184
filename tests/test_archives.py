"""Archives: what they hold, whatever the archive of before held."""

from __future__ import annotations

import zipfile
import zlib

import pytest

from ssphub_book import archives

FIRST = {"a/page.html": b"<p>Un texte.</p>" * 100, "a/été.css": b"p {}" * 100, "carte.png": bytes(range(256))}
SECOND = {
    "a/page.html": b"<p>Un autre.</p>" * 100,  # as long as the first
    "a/été.css": FIRST["a/été.css"],
    "carte.png": FIRST["carte.png"],
    "neuf.html": b"<p>Neuf.</p>",
}


@pytest.fixture
def written(tmp_path):
    def write(name: str, contents: dict[str, bytes], before: str = "nothing") -> bytes:
        archives.write(tmp_path / name, contents.items(), tmp_path / before)
        return (tmp_path / name).read_bytes()

    return write


def test_an_archive_made_from_the_last_one_is_the_one_made_from_nothing(written, tmp_path):
    written("first", FIRST)
    assert written("second", SECOND, before="first") == written("alone", SECOND)
    with zipfile.ZipFile(tmp_path / "second") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == SECOND


def test_what_did_not_change_is_not_compressed_again(written, monkeypatch):
    first, compress, lengths = written("first", FIRST), zlib.compressobj, []
    monkeypatch.setattr(zlib, "compressobj", lambda *a: lengths.append(a) or compress(*a))
    assert written("same", FIRST, before="first") == first
    assert lengths == []
    written("second", SECOND, before="first")
    assert len(lengths) == 2


def test_a_picture_is_stored_as_it_is(written):
    assert FIRST["carte.png"] in written("first", FIRST)
