"""A report is put in place at once, and takes nothing away that no report made."""

import contextlib
import getpass
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from glue.errors import GlueError
from report import publish as module
from report.publish import INDEX, MARKER, publish
from tests.s3 import BUCKET, S3, s3_server

# No database is asked.
pytestmark = pytest.mark.once
PROJECT = Path(__file__).resolve().parents[2]
OLD = {INDEX: "old", "day/2025-12-18.html": "old day"}
NEW = {INDEX: "new", "day/2025-12-19.html": "new day"}


def held(out: Path) -> dict[str, str]:
    """Return what readers find."""
    return {
        str(path.relative_to(out)): path.read_text()
        for path in out.rglob("*")
        if path.is_file() and path.name != MARKER
    }


def test_a_folder_holds_the_new_report_and_nothing_of_the_one_before(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "report"
    assert publish(OLD, str(out)) == str(out / INDEX)
    assert held(out) == OLD
    publish(NEW, out.as_uri())
    assert held(out) == NEW
    assert sorted(path.name[:8] for path in out.parent.iterdir()) == [".report.", ".report.", "report"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    out = tmp_path / "report"
    out.mkdir()
    publish(NEW, str(out))
    assert held(out) == NEW


@pytest.mark.parametrize("what", ["folder", "file", "link", "marked folder elsewhere"])
def test_what_no_report_made_is_refused_in_words_and_stays(tmp_path: Path, what: str) -> None:
    out, other = tmp_path / "report", tmp_path / "other"
    other.mkdir()
    (other / "precious").write_text("mine")
    if what == "folder":
        other.rename(out)
    elif what == "file":
        out.write_text("mine")
    else:
        out.symlink_to(other)
    if what.startswith("marked"):
        other = tmp_path / "elsewhere" / "other"
        other.parent.mkdir()
        (tmp_path / "other").rename(other)
        (other / MARKER).write_text("[]")
        out.unlink()
        out.symlink_to(other)
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(GlueError, match="choose"):
        publish(NEW, str(out))
    kept = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"}
    assert kept == before


def test_a_neighbour_that_looks_like_ours_but_has_no_marker_stays(tmp_path: Path) -> None:
    neighbour = tmp_path / ".report.mine"
    neighbour.mkdir()
    (neighbour / "precious").write_text("mine")
    publish(OLD, str(tmp_path / "report"))
    publish(NEW, str(tmp_path / "report"))
    assert (neighbour / "precious").read_text() == "mine"


@pytest.mark.parametrize("at", ["_write", "_sweep", "replace"])
def test_a_crash_leaves_the_old_report_or_the_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    out = tmp_path / "report"
    publish(OLD, str(out))

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    if at == "replace":
        monkeypatch.setattr(Path, "replace", crash)
    else:
        monkeypatch.setattr(module, at, crash)
    with pytest.raises(KeyboardInterrupt):
        publish(NEW, str(out))
    assert held(out) == (NEW if at == "_sweep" else OLD)
    monkeypatch.undo()
    publish(NEW, str(out))
    assert held(out) == NEW
    assert sorted(path.name[:8] for path in tmp_path.iterdir()) == [".report.", ".report.", "report"]


def test_two_at_once_do_not_write_one_folder(tmp_path: Path) -> None:
    out = tmp_path / "report"
    with module._alone(out), pytest.raises(GlueError, match="wait for it"):
        publish(NEW, str(out))


@pytest.fixture(scope="module")
def s3() -> Iterator[S3]:
    """A bucket."""
    with s3_server() as found:
        yield found


@pytest.fixture
def bucket(s3: S3, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a prefix that is empty."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    for found in s3.client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.client.delete_object(Bucket=BUCKET, Key=found["Key"])
    return f"s3://{BUCKET}/report"


def keys(s3: S3) -> set[str]:
    """Return the names of all objects."""
    return {found["Key"] for found in s3.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def test_a_bucket_gets_its_index_last_and_loses_what_is_old(s3: S3, bucket: str) -> None:
    publish(OLD, bucket)
    s3.client.put_object(Bucket=BUCKET, Key="report/mine.txt", Body=b"mine")
    assert publish(NEW, bucket) == f"{bucket}/{INDEX}"
    assert keys(s3) == {"report/mine.txt", f"report/{MARKER}", *(f"report/{name}" for name in NEW)}
    index = s3.client.get_object(Bucket=BUCKET, Key=f"report/{INDEX}")
    assert index["Body"].read() == b"new"
    assert index["ContentType"] == "text/html; charset=utf-8"
    pages = [
        s3.client.head_object(Bucket=BUCKET, Key=f"report/{name}")["LastModified"] for name in NEW if name != INDEX
    ]
    assert all(moment <= index["LastModified"] for moment in pages)


def test_a_prefix_with_other_files_is_refused(s3: S3, bucket: str) -> None:
    s3.client.put_object(Bucket=BUCKET, Key="report/mine.txt", Body=b"mine")
    with pytest.raises(GlueError, match="prefix of its own"):
        publish(NEW, bucket)
    assert keys(s3) == {"report/mine.txt"}


def test_what_a_crash_left_in_a_bucket_goes_with_the_next_report(
    s3: S3, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(OLD, bucket)
    put = module._put

    def crash(system: object, path: str, text: str) -> None:
        if path.endswith(INDEX):
            raise KeyboardInterrupt
        put(system, path, text)

    monkeypatch.setattr(module, "_put", crash)
    with pytest.raises(KeyboardInterrupt):
        publish(NEW, bucket)
    assert s3.client.get_object(Bucket=BUCKET, Key=f"report/{INDEX}")["Body"].read() == b"old"
    monkeypatch.undo()
    publish({INDEX: "newer"}, bucket)
    assert keys(s3) == {f"report/{INDEX}", f"report/{MARKER}"}


def test_a_url_that_nothing_can_write_is_refused_in_words() -> None:
    with pytest.raises(GlueError, match="nosuch"):
        publish(NEW, "nosuch://bucket/report")


@given(st.lists(st.text("abc./\\ ", min_size=1), max_size=5))
def test_a_marker_never_names_a_file_outside(names: list[str]) -> None:
    class System:
        def exists(self, _: str) -> bool:
            return True

        def cat_file(self, _: str) -> bytes:
            return json.dumps([*names, "../up", "/root", 7]).encode()

        def invalidate_cache(self) -> None:
            pass

    for name in module._made_before(System(), "bucket/report", "s3://bucket/report"):
        assert ".." not in name
        assert not name.startswith("/")


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed: apt install nginx-light")
def test_nginx_serves_the_pages_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "site"
    with nginx(tmp_path) as url:
        assert "no report yet" in requests.get(url, timeout=9).text
        publish(OLD, str(out))
        assert requests.get(url, timeout=9).text == "old"
        publish(NEW | {"trust.html": "x" * 5_000}, str(out))
        for path, status in {
            "/": 200, "/index.html": 200, "/day/2025-12-19.html": 200, "/health": 200, "/trust.html": 200,
            "/day/2025-12-18.html": 404, "/day/": 404, "/day": 404, f"/{MARKER}": 403, f"/%2e{MARKER[1:]}": 403,
            "/.site.lock": 403, "/../.site.lock": 403, "/..%2f.site.lock": 400,
        }.items():  # fmt: skip
            answer = requests.get(f"{url}{path}", timeout=9)
            assert (path, answer.status_code) == (path, status)
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            if status == 200 and path != "/health":
                assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
                assert answer.headers["Cache-Control"] == "no-cache"
        answer = requests.get(f"{url}/trust.html", timeout=9)
        assert answer.headers["Content-Encoding"] == "gzip"
        again = requests.get(f"{url}/trust.html", headers={"If-None-Match": answer.headers["ETag"]}, timeout=9)
        assert again.status_code == 304
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            assert requests.request(method, url, timeout=9).status_code == 403


@contextlib.contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """Serve folder/site with the configuration of compose, on a port of this test."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shipped = (PROJECT / "docker" / "nginx" / "report.conf").read_text()
    site = shipped.replace("listen 8080", f"listen 127.0.0.1:{port}").replace("/srv/report/site", str(folder / "site"))
    assert f"root {folder}/site;" in site
    (folder / "nginx.conf").write_text(
        f"user {getpass.getuser()};\npid {folder}/pid;\ndaemon off;\nerror_log stderr;\nevents {{}}\n"
        f"http {{ include /etc/nginx/mime.types; access_log off;\n{site}}}\n"
    )
    command = ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            end = time.monotonic() + 30
            while socket.socket().connect_ex(("127.0.0.1", port)):
                assert process.poll() is None, process.stderr and process.stderr.read()
                assert time.monotonic() < end
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
