"""A products API on loopback that answers as a test wants it to."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Api:
    """A products API on loopback. Answers by path; `asked` are the requests that came."""

    url: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def at(self, path: str, *answers: Answer) -> None:
        """Answer requests for a path one after the other, the last one for ever."""
        self.answers[path] = list(answers)


def gives(content: Any, status: int = 200, **headers: str) -> Answer:
    """Answer with JSON (or bytes as they are)."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def serve(port: int = 0, prepare: Callable[[ThreadingHTTPServer], None] = lambda server: None) -> Iterator[Api]:
    """An API on loopback; `prepare` may change its server before it serves."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            api.asked.append((self.path, self.headers["Authorization"]))
            answers = api.answers.get(self.path) or api.answers.get(urlsplit(self.path).path)
            if not answers:
                self.send_error(404)
            else:
                (answers.pop(0) if len(answers) > 1 else answers[0])(self)

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        prepare(server)
        api = Api(f"http://127.0.0.1:{server.server_port}/products")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield api
        server.shutdown()
        thread.join()
