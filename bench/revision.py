"""The package as it was at another commit, beside the one that is worked on."""

from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path

from bench.wrk import Unable


def commit_of(revision: str, repository: Path) -> str:
    """The whole hash of the commit that a branch, a tag or a shorter hash names.

    Raises `Unable` without git, outside a clone, or where the clone has no such commit.
    """
    try:
        named = _git(
            repository, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}"
        )
    except subprocess.CalledProcessError as error:
        raise Unable(
            f"there is no commit {revision!r} in {repository} ({_said(error)}):"
            " --before names one, and a shallow clone has few"
        ) from error
    return named.decode().strip()


def bring(commit: str, repository: Path, folder: Path) -> Path:
    """Unpack a commit's package under a folder; the repository stays as it is.

    Returns the folder in which Python finds it. Raises `Unable` where the commit has none.
    """
    try:
        packed = _git(repository, "archive", "--format=zip", commit, "src/reunite")
    except subprocess.CalledProcessError as error:
        raise Unable(f"commit {commit} has no package: {_said(error)}") from error
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(folder / commit)
    return folder / commit / "src"


def _git(repository: Path, *arguments: str) -> bytes:
    try:
        return subprocess.run(
            ["git", "-C", repository, *arguments], capture_output=True, check=True
        ).stdout
    except FileNotFoundError as error:
        raise Unable("git is not installed, which has the package as it was") from error


def _said(error: subprocess.CalledProcessError) -> str:
    return str(error.stderr.decode().strip())
