"""Write the explorer: a folder for any static host, or one HTML file that works from disk.

export_site(files, Path("site"))
export_single(files, Path("faces.html"))"""

import base64
import hashlib
import json
import re
from pathlib import Path

import numpy as np

from minifaces.errors import MinifacesError, UsageError
from minifaces.explorer.page import INDEX, page_files, policy
from minifaces.files import atomic, check_folder, write_text

DATA = "data"
_MARK = ".minifaces-site"
# Bytes that HTML would change, or end the script at; the two bytes of U+0080 to U+0082 stand for them.
_ESCAPED = (0x00, 0x0D, 0x3C)


def export_site(data: dict[str, bytes], out: Path) -> int:
    """Write page and data into a folder, and return how many bytes they are. What an earlier export wrote and
    this one does not is removed; a folder with anybody else's files is refused."""
    check_place(out)
    mark = out / _MARK
    files = site(data)
    old = mark.read_text(encoding="utf-8").splitlines() if mark.exists() else []
    write_text(mark, "\n".join(sorted(files)) + "\n")
    for name, content in files.items():
        with atomic(out / name) as scratch:
            scratch.write_bytes(content)
    for name in old:
        path = out / name
        if name and name not in files and path.resolve().is_relative_to(out.resolve()):
            path.unlink(missing_ok=True)
    return sum(map(len, files.values()))


def check_place(out: Path) -> None:
    """Raise UsageError or MinifacesError where `export_site` cannot write."""
    check_folder(out)
    if out.is_dir() and any(out.iterdir()) and not (out / _MARK).exists():
        raise UsageError(f"{out} holds files that no export wrote: name another folder")


def site(data: dict[str, bytes]) -> dict[str, bytes]:
    """All files of the site: the page, and its data below `data/`."""
    return {**page_files(), **{f"{DATA}/{name}": content for name, content in data.items()}}


def export_single(data: dict[str, bytes], out: Path) -> int:
    """Write one HTML file that holds everything, and return its size in bytes."""
    html = single(data)
    with atomic(out) as scratch:
        scratch.write_bytes(html)
    return len(html)


def single(data: dict[str, bytes]) -> bytes:
    """The page as one file: its script and style inline, everything else as text at the end of the document.

    The page's policy is exchanged for one that names its one script and one style by their hashes and lets
    nothing be fetched at all."""
    files = site(data)
    html = files.pop(INDEX).decode()
    html, script = _take(html, r'<script type="module"[^>]* src="\./([^"]+)"></script>', files)
    html, style = _take(html, r'<link rel="stylesheet"[^>]* href="\./([^"]+)">', files)
    html = re.sub(r'\s*<link rel="(?:icon|modulepreload|preload)"[^>]*>', "", html)
    script = script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
    allowed = (
        f"default-src 'none'; script-src '{_hash(script)}' 'wasm-unsafe-eval'; style-src '{_hash(style)}'; "
        "worker-src blob:; img-src blob: data:; media-src blob:; base-uri 'none'; form-action 'none'"
    )
    html = html.replace(policy(html), allowed)
    index, body, at = {}, [], 0
    for name, content in files.items():
        index[name] = [at, len(content)]
        at += len(content)
        body.append(content)
    tail = "\n".join(
        [
            f"<style>{style}</style>",
            f'<script type="application/json" id="files-index">{json.dumps(index).replace("<", "")}</script>',
            '<script type="text/plain" id="files-body">',
        ]
    ).encode()
    end = b'</script>\n<script type="module">' + script.encode() + b"</script>\n</body>"
    before, _, after = html.partition("</body>")
    return b"".join([before.encode(), tail, to_text(b"".join(body)), end, after.encode()])


def to_text(data: bytes) -> bytes:
    """Any bytes as UTF-8 text that HTML leaves as it is: seven bits a character, the highest first.

    Three characters that HTML would change are written as U+0080, U+0081 and U+0082: 17 % longer than the
    bytes, where base64 is 33 %. The bits are filled up with zeros."""
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    sevens = np.concatenate([bits, np.zeros(-len(bits) % 7, np.uint8)]).reshape(-1, 7)
    text = np.packbits(np.pad(sevens, [(0, 0), (1, 0)]), axis=1).tobytes()
    for number, byte in enumerate(_ESCAPED):
        text = text.replace(bytes([byte]), b"\xc2" + bytes([0x80 + number]))
    return text


def _take(html: str, pattern: str, files: dict[str, bytes]) -> tuple[str, str]:
    """Cut the one element that `pattern` finds out of the page, and take its file."""
    found = re.findall(pattern, html)
    if len(found) != 1 or found[0] not in files:
        raise MinifacesError("the built page is not as expected: run `npm run build` in web/")
    return re.sub(pattern, "", html), files.pop(found[0]).decode()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
