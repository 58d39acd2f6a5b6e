"""A local S3 server for tests (moto), in a process of its own."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUCKET = "shop"
ACCESS_KEY = "AKIA2U7QWERTYUIOPASD"
SECRET_KEY = "s3cr3t/of+the-landing-zone"

SERVER = """
import logging, sys
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()  # until who started it closes the pipe, or is no more
"""


@dataclass(frozen=True)
class S3:
    """A server with one bucket. `environment` is how programs are told of it: the usual variables."""

    endpoint: str
    client: Any

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a program that uses it, LANDING_URL among them."""
        return {
            "LANDING_URL": f"s3://{BUCKET}/landing",
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
        }

    def put(self, key: str, content: bytes) -> None:
        """Put an object under a key below `landing/`."""
        self.client.put_object(Bucket=BUCKET, Key=f"landing/{key}", Body=content)

    def put_folder(self, folder: Path) -> None:
        """Put all files of a landing zone."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(str(path.relative_to(folder)), path.read_bytes())


@contextlib.contextmanager
def s3_server() -> Iterator[S3]:
    """Start a server with an empty bucket; stop it in the end."""
    import boto3

    with subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        try:
            endpoint = f"http://127.0.0.1:{int(process.stdout.readline())}"
            client = boto3.client(
                "s3", endpoint_url=endpoint, region_name="us-east-1",
                aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY,
            )  # fmt: skip
            client.create_bucket(Bucket=BUCKET)
            yield S3(endpoint, client)
        finally:
            process.stdin.close()
            process.terminate()
