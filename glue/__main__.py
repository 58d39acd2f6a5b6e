"""The program: `warehouse`, or `python -m glue`."""

import gc
import sys

# Nothing that is imported is garbage. To look through it again and again takes a fifth of a command's start and end.
gc.disable()
from glue.cli import main  # noqa: E402

gc.freeze()
gc.enable()

if __name__ == "__main__":
    sys.exit(main())
