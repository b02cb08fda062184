"""Archives whose bytes depend on their contents alone: names sorted, dates fixed.

What the archive of before holds already is taken from it as it is: to compress is most of the work.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

DATE = (1980, 1, 1, 0, 0, 0)
MODE = 0o100644 << 16
COMPRESSED = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".woff2", ".gz", ".zip", ".parquet"}
HEADER, LENGTHS = 30, 26  # bytes of the header of an entry, and where it gives those of what follows it


def write(target: Path | BinaryIO, contents: Iterable[tuple[str, bytes]], before: Path) -> None:
    """Write an archive of (name, content), in the order given. `before`: the last one; it may not exist."""
    with _Known(before) as known, zipfile.ZipFile(target, "w") as archive:
        for name, content in contents:
            entry = zipfile.ZipInfo(name, DATE)
            entry.external_attr = MODE
            entry.compress_type = zipfile.ZIP_DEFLATED
            if Path(name).suffix in COMPRESSED:
                entry.compress_type = zipfile.ZIP_STORED
            raw = known.raw(entry, content)
            if raw is None:
                archive.writestr(entry, content)
            else:
                _append(archive, entry, raw)


class _Known:
    """The entries of an archive, as they are in its file; none where there is no archive."""

    def __init__(self, path: Path):
        self._archive = zipfile.ZipFile(path) if path.is_file() else None
        self._entries = {entry.filename: entry for entry in self._archive.infolist()} if self._archive else {}

    def __enter__(self) -> _Known:
        return self

    def __exit__(self, *error: object) -> None:
        if self._archive:
            self._archive.close()

    def raw(self, entry: zipfile.ZipInfo, content: bytes) -> bytes | None:
        """The bytes of this content as the archive has them, and `entry` completed; None where it has not."""
        known = self._entries.get(entry.filename)
        if known is None or known.compress_type != entry.compress_type or known.file_size != len(content):
            return None
        if self._archive.read(known) != content:
            return None
        entry.CRC, entry.file_size, entry.compress_size = known.CRC, known.file_size, known.compress_size
        file = self._archive.fp
        file.seek(known.header_offset)
        file.seek(sum(struct.unpack_from("<HH", file.read(HEADER), LENGTHS)), 1)
        return file.read(known.compress_size)


def _append(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, raw: bytes) -> None:
    """What `ZipFile.writestr` does once it has compressed; the library gives it no name."""
    entry.header_offset = archive.fp.tell()
    archive.fp.write(entry.FileHeader(zip64=False) + raw)
    archive.start_dir = archive.fp.tell()
    archive.filelist.append(entry)
    archive.NameToInfo[entry.filename] = entry
    archive._didModify = True
