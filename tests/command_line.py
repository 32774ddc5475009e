"""Commands of `vzero` run inside the test's process, which saves the start of a Python for each."""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from vzero.cli import main


@dataclass(frozen=True)
class Ended:
    returncode: int
    stdout: str
    stderr: str


def vzero(*arguments: str, cwd: Path, **environment: str) -> Ended:
    """What `vzero ARGUMENTS` in this folder prints, and how it ends."""
    said, complained = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd),
        mock.patch.dict("os.environ", environment),
        mock.patch("sys.argv", ["vzero", *arguments]),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(complained),
        warnings.catch_warnings(),
    ):
        # That pytest's own arguments may be taken for the command's: they are not.
        warnings.filterwarnings("ignore", "Cyclopts application invoked without tokens")
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        else:
            code = 0
    return Ended(code, said.getvalue(), complained.getvalue())
