"""The entry of the `extractor` command: a Ctrl-C while it is still being loaded ends it without a traceback."""

from __future__ import annotations

import os


def run() -> None:
    """Load the command and run it."""
    try:
        from extractor.cli.main import main
    except KeyboardInterrupt:
        os.write(2, b"extractor: Stopped. Run the same command again.\n")
        os._exit(130)
    main()


if __name__ == "__main__":
    run()
