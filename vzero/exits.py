"""How a command ends: what a user can mend with one line and exit code 2, not a traceback."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable

from vzero.errors import UserError
from vzero.train.collapse import TrainingCollapsed

FREE_SPACE = "free some space and run the same command again"
ALLOW = "allow this user to use it and run the same command again"
ADVICE = {
    errno.ENOSPC: FREE_SPACE,
    errno.EDQUOT: FREE_SPACE,
    errno.EACCES: ALLOW,
    errno.EPERM: ALLOW,
    errno.EROFS: "put the project where it can be written",
}
"""Errors of the operating system that a user can mend."""


def run_to_its_end(command: Callable[[], object]) -> None:
    """Run a command. Exit code 2 after an error that a user can mend, 3 after training that collapsed."""
    try:
        command()
    except (UserError, FileNotFoundError) as error:
        print(f"vzero: {error}", file=sys.stderr)
        sys.exit(2)
    except TrainingCollapsed as error:
        print(f"vzero: {error}", file=sys.stderr)
        sys.exit(3)
    except OSError as error:
        if error.errno not in ADVICE:
            raise
        where = f"{error.filename}: " if error.filename else ""
        print(f"vzero: {where}{error.strerror}; {ADVICE[error.errno]}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("vzero: interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
