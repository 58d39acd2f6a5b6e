"""Puts the files of a report in place: a folder at once, a bucket with its index last. It takes nothing away that a
report did not make."""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from glue.errors import GlueError

# In every folder that a report made: what it wrote there.
MARKER = ".warehouse-report"
INDEX = "index.html"
TYPES = {".html": "text/html; charset=utf-8"}


def publish(files: Mapping[str, str], out: str) -> str:
    """Write the files, by path, to a folder or a URL such as s3://bucket/report. Returns where the first page is.

    Whoever reads a folder meanwhile, or after a crash, has the report before or this one, whole. Raises GlueError where
    something stands that no report made, OSError.
    """
    scheme = urlsplit(out).scheme
    if len(scheme) > 1 and scheme != "file":
        return _to_bucket(files, out)
    return _to_folder(files, Path(urlsplit(out).path if scheme == "file" else out))


def _to_folder(files: Mapping[str, str], out: Path) -> str:
    # What is made is a folder with a name of its own beside OUT; OUT is a link to it, and one rename changes the link.
    out = Path(os.path.abspath(out))  # noqa: PTH100 - resolve() would follow the link
    out.parent.mkdir(parents=True, exist_ok=True)
    with _alone(out):
        _refuse_what_is_not_ours(out)
        made = out.parent / f".{out.name}.{secrets.token_hex(6)}"
        link = out.parent / f"{made.name}.link"
        try:
            _write(files, made)
            link.symlink_to(made.name, target_is_directory=True)
            if out.is_dir() and not out.is_symlink():
                out.rmdir()  # it is empty
            link.replace(out)
        except BaseException:
            link.unlink(missing_ok=True)
            shutil.rmtree(made, ignore_errors=True)
            raise
        _sweep(out, made)
    return str(out / INDEX)


def _write(files: Mapping[str, str], folder: Path) -> None:
    """Write all files and have them on the disk before anybody is led to them."""
    folder.mkdir()
    (folder / MARKER).write_text(json.dumps(sorted(files)), encoding="utf-8")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    os.sync()


def _refuse_what_is_not_ours(out: Path) -> None:
    """Raise GlueError for what stands at OUT, if it is neither nothing, nor an empty folder, nor a report."""
    if out.is_symlink():
        target = out.parent / out.readlink()
        if target.parent == out.parent and target.name.startswith(f".{out.name}.") and not target.exists():
            return  # its report is gone
        if target.parent != out.parent or not (target / MARKER).is_file():
            raise GlueError(f"{out} is a link to something that is no report; choose another OUT, or remove the link")
    elif out.is_dir():
        if any(out.iterdir()):
            raise GlueError(
                f"{out} is a folder with something in it that `warehouse report` did not make;"
                " choose an OUT that is not there"
            )
        if os.path.ismount(out):
            raise GlueError(f"{out} is a mount, which cannot be swapped; choose an OUT in it, such as {out}/site")
    elif out.exists():
        raise GlueError(f"{out} is a file; choose an OUT that is not there")


def _sweep(out: Path, current: Path) -> None:
    """Remove the reports before, and what a crash left. What has no marker is not ours."""
    for found in out.parent.glob(f".{out.name}.*"):
        if found.name.endswith(".link") and found.is_symlink():
            found.unlink(missing_ok=True)
        elif found != current and found.is_dir() and not found.is_symlink() and (found / MARKER).is_file():
            shutil.rmtree(found, ignore_errors=True)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the lock of an OUT: two at once would remove each other's files."""
    with (out.parent / f".{out.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise GlueError(f"another report is being written to {out}; wait for it") from None
        yield


def _to_bucket(files: Mapping[str, str], out: str) -> str:
    """Write every page, then the index, then take away what the report before had and this one has not."""
    import fsspec  # takes a while to import

    try:
        system, root = fsspec.core.url_to_fs(out)
    except (ImportError, ValueError) as error:
        raise GlueError(f"{urlsplit(out).scheme}:// cannot be written: {error}") from None
    root = root.rstrip("/")
    before = _made_before(system, root, out)
    # Named before anything is written: whatever a crash leaves, the next report may take away.
    _put(system, f"{root}/{MARKER}", json.dumps(sorted({*files, *before})))
    for name in sorted(files, key=lambda name: (name == INDEX, name)):
        _put(system, f"{root}/{name}", files[name])
    for name in sorted(set(before) - set(files)):
        if system.exists(f"{root}/{name}"):
            system.rm_file(f"{root}/{name}")
    _put(system, f"{root}/{MARKER}", json.dumps(sorted(files)))
    return f"{out.rstrip('/')}/{INDEX}"


def _made_before(system: Any, root: str, out: str) -> list[str]:
    """Return what the report before wrote. Raises GlueError where something else lies."""
    system.invalidate_cache()
    if system.exists(f"{root}/{MARKER}"):
        found = json.loads(system.cat_file(f"{root}/{MARKER}"))
        return [name for name in found if isinstance(name, str) and ".." not in name and not name.startswith("/")]
    if system.exists(root) and system.find(root):
        raise GlueError(f"{out} has files that `warehouse report` did not write; choose a prefix of its own")
    return []


def _put(system: Any, path: str, text: str) -> None:
    kind = TYPES.get(Path(path).suffix)
    settings = {"ContentType": kind} if kind and "s3" in system.protocol else {}
    system.pipe_file(path, text.encode(), **settings)
