"""`python -m recorder.boot -f CONNECTION_FILE`: becomes the Jupyter kernel.

Nothing of what torch and the kernel consist of is garbage, so none is looked for while they are imported, which takes
a fifth of that time.
"""

from __future__ import annotations

import gc


def main() -> None:
    """Runs until the kernel is shut down."""
    gc.disable()
    from . import kernel  # imports torch

    kernel.main()


if __name__ == "__main__":
    main()
