"""All files below a folder: what cannot be listed or leads nowhere is named, never dropped."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

JUNK = ("__MACOSX", "@eaDir")
"""Folders that archives and file servers leave behind; they count as hidden."""


@dataclass(frozen=True)
class FolderFiles:
    """What lies below a folder. All paths are relative to it.

    Attributes:
        files: List of files, hidden ones, too.
        folders: List of folders and of links to folders, hidden ones, too.
        unreadable: dict from a folder or a link that cannot be followed to the error.
        repeated: dict from a link to the folder that it leads to, which is in ``folders`` already;
            nothing is listed below such a link.
    """

    files: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    unreadable: dict[Path, OSError] = field(default_factory=dict)
    repeated: dict[Path, Path] = field(default_factory=dict)

    @cached_property
    def folder_set(self) -> frozenset[Path]:
        """The ``folders`` as a set."""
        return frozenset(self.folders)

    def inside(self, place: Path) -> list[str]:
        """Returns the names of the folders in a folder, sorted, without hidden ones."""
        return sorted(self._inside.get(place, ()))

    @cached_property
    def _inside(self):
        names = {}
        for path in self.folders:
            if not is_hidden(path):
                names.setdefault(path.parent, []).append(path.name)
        return names


def is_hidden(path: Path) -> bool:
    """Returns whether a relative path, or a folder on it, is hidden.

    Examples:
        >>> is_hidden(Path("cat/.trash/1.png")), is_hidden(Path("cat/1.png"))
        (True, False)
    """
    return any(part.startswith(".") or part in JUNK for part in Path(path).parts)


def find_files(folder: Path | str) -> FolderFiles:
    """Finds all files below a folder; links to folders are followed, but no folder is listed twice.

    Args:
        folder: The folder's path.

    Returns:
        FolderFiles: What there is.

    Raises:
        OSError: The folder itself cannot be listed.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "cat").mkdir(), Path(folder, "cat", "1.png").touch()
        ...     found = find_files(folder)
        >>> print(*found.folders, *found.files)
        cat cat/1.png
    """
    found, folder = FolderFiles(), Path(folder)
    root = os.path.realpath(folder)
    listed, links, hidden, waiting = {}, [], [], [(root, Path())]
    # Links come after folders, and hidden folders last: a folder is listed under its best name.
    while waiting or links or hidden:
        if waiting:
            real, place = waiting.pop()
        else:
            place = (links or hidden).pop(0)
            real = os.path.realpath(folder / place)
            if os.path.join(root, "").startswith(os.path.join(real, "")):
                found.repeated[place] = Path()
                continue
        if real in listed:
            found.repeated[place] = listed[real]
            continue
        listed[real] = place
        try:
            entries = sorted(os.scandir(real), key=lambda entry: entry.name)
        except OSError as error:
            if place == Path():
                raise
            found.unreadable[place] = error
            continue
        for entry in entries:
            path = place / entry.name
            try:
                is_folder = entry.is_dir()
                if not is_folder and entry.is_symlink():
                    entry.stat()
            except OSError as error:
                found.unreadable[path] = error
                continue
            if not is_folder:
                found.files.append(path)
                continue
            found.folders.append(path)
            if is_hidden(path):
                hidden.append(path)
            elif entry.is_symlink():
                links.append(path)
            else:
                waiting.append((os.path.join(real, entry.name), path))
    return found
