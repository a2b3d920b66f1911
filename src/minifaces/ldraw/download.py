"""Get the LDraw parts library from ldraw.org: with progress, resumed where it broke off, and checked."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

from minifaces.errors import MinifacesError, UsageError
from minifaces.files import write_text

COMPLETE = "https://library.ldraw.org/library/updates/complete.zip"
AGENT = "minifaces (LDraw library download)"
Progress = Callable[[int, int], None]


def cached_library() -> Path:
    """Where the downloaded library is kept: complete.zip in the user's cache folder."""
    try:
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        raise UsageError("nobody knows your home folder: name an LDraw library with --library") from None
    return Path(cache) / "minifaces" / "complete.zip"


def download_library(target: Path, url: str = COMPLETE, progress: Progress = lambda *_: None) -> Path:
    """Fetch `url` to `target` unless it is there; `progress` is told (bytes so far, bytes in all or 0).

    What has come is kept in `target`.part, and the next call asks for the rest (RFC 9110, range requests) as
    long as the server still has the same file (If-Range with its ETag). Raises MinifacesError where the
    network or the server fails, or the size or the zip file is not right."""
    if os.access(target, os.R_OK):
        return target
    try:
        import httpx
    except ImportError:
        raise UsageError("downloading needs httpx: pip install 'minifaces[data]'") from None
    part, mark = target.with_name(target.name + ".part"), target.with_name(target.name + ".etag")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        have = part.stat().st_size if part.exists() and mark.exists() else 0
        headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-", "If-Range": mark.read_text()}
        with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=30) as answer:
            if answer.status_code == 416:
                part.unlink()
                raise MinifacesError(f"{url} changed while it was fetched: run the same command again")
            answer.raise_for_status()
            resumed = answer.status_code == 206
            have = have if resumed else 0
            length = answer.headers.get("Content-Length")
            total = have + int(length) if length else 0
            if etag := answer.headers.get("ETag"):
                write_text(mark, etag)
            else:
                mark.unlink(missing_ok=True)  # without one, a rest cannot be told from another file's
            with part.open("ab" if resumed else "wb") as file:
                for chunk in answer.iter_bytes(1 << 16):
                    file.write(chunk)
                    have += len(chunk)
                    progress(have, total)
    except httpx.HTTPStatusError as error:
        raise MinifacesError(
            f"{url} answered {error.response.status_code}: try again later, or fetch it by hand and name it "
            "with --library"
        ) from None
    except httpx.HTTPError as error:
        raise MinifacesError(
            f"the download of {url} broke off ({error}): run the same command again to go on"
        ) from None
    except OSError as error:
        raise MinifacesError(f"cannot write {target}: {error.strerror or error}") from error
    if total and have != total:
        raise MinifacesError(
            f"the download of {url} broke off at {have} of {total} bytes: run the same command again to go on"
        )
    if not zipfile.is_zipfile(part):
        part.unlink()
        mark.unlink(missing_ok=True)
        raise MinifacesError(f"{url} did not send a zip file: fetch the library by hand and name it with --library")
    part.replace(target)
    mark.unlink(missing_ok=True)
    return target
