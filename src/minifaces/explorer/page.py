"""The built page, which lies beside this file: web/ is its source, and `npm run build` there writes it."""

import re
from pathlib import Path

from minifaces.errors import MinifacesError

FOLDER = Path(__file__).parent / "static"
INDEX = "index.html"
FAVICON = "favicon.svg"
WORKER, MANIFEST = "sw.js", "manifest.webmanifest"
"""what makes an exported site open again offline"""
POLICY = r'(http-equiv="Content-Security-Policy" content=")([^"]*)'


def page_files() -> dict[str, bytes]:
    """Every file of the page by its name within the site, slashes between folders."""
    paths = [path for path in sorted(FOLDER.rglob("*")) if path.is_file()]
    files = {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in paths}
    if INDEX not in files:
        raise MinifacesError(f"{FOLDER / INDEX} is missing: install minifaces anew, or run `npm run build` in web/")
    return files


def policy(html: str) -> str:
    """The Content-Security-Policy that the page names for itself."""
    found = re.findall(POLICY, html)
    if len(found) != 1:
        raise MinifacesError("the built page has no policy: run `npm run build` in web/")
    return str(found[0][1])
