"""What shops really send: ../shared/real_world, where it is beside the project."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from tests.shop import Landing

REAL_WORLD = Path(__file__).resolve().parents[2] / "shared" / "real_world"
CASES = REAL_WORLD / "cases"

needs_real_world = pytest.mark.skipif(
    not CASES.exists(), reason="../shared/real_world, what shops really send, is not beside the project"
)


def put_case(landing: Landing, name: str) -> date:
    """Put the deliveries of a case into a landing zone, byte for byte; return its last day."""
    shutil.copytree(CASES / name, landing.folder, dirs_exist_ok=True)
    return max(date.fromisoformat(folder.name) for folder in (CASES / name).glob("*/*") if folder.is_dir())
