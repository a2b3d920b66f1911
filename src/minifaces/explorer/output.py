"""Write the explorer: a folder for any static host, or one HTML file that works from disk.

export_site(files, Path("site"), preview(faces), checked_address("https://example.org/faces"))
export_single(files, Path("faces.html"))"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from minifaces.errors import MinifacesError, UsageError
from minifaces.explorer.page import FAVICON, INDEX, MANIFEST, WORKER, page_files, policy
from minifaces.explorer.preview import SIZE
from minifaces.explorer.site import SITE
from minifaces.files import atomic, check_folder, is_empty, write_text

DATA = "data"
PREVIEW = "preview.jpg"
_MARK = ".minifaces-site"
_CARD = "README.md"
# Bytes that HTML would change, or end the script at; the two bytes of U+0080 to U+0082 stand for them.
_ESCAPED = (0x00, 0x0D, 0x3C)


def export_site(data: dict[str, bytes], out: Path, preview: bytes, address: str = "", space: str | None = None) -> int:
    """Write page and data into a folder, and return how many bytes they are. All files are written before the first is
    put in its place, so that an earlier export stays whole where there is no room. What that wrote and this one does
    not is removed; a folder with anybody else's files is refused. With a title for it, the folder is a static `space`
    of the Hugging Face Hub."""
    check_place(out)
    mark = out / _MARK
    files = hosted(data, preview, address)
    if space is not None:
        files[_CARD] = _space_card(space)
    old = mark.read_text(encoding="utf-8").splitlines() if mark.exists() else []
    write_text(mark, _lines({*old, *files}))  # whatever happens, the next export knows of all of them
    with ExitStack() as coming:  # put in place from the last to the first: those that name others come after them
        for name in sorted(
            files, key=lambda name: name.startswith((f"{DATA}/", "assets/")) and name != f"{DATA}/{SITE}"
        ):
            coming.enter_context(atomic(out / name)).write_bytes(files[name])
    for name in old:
        path = out / name
        if name and name not in files and path.resolve().is_relative_to(out.resolve()):
            path.unlink(missing_ok=True)
    write_text(mark, _lines(files))
    return sum(map(len, files.values()))


def _lines(names: Iterable[str]) -> str:
    return "".join(f"{name}\n" for name in sorted(names))


def _space_card(title: str) -> bytes:
    """What tells the Hugging Face Hub that a repository is a page that needs no server. JSON's texts are YAML's."""
    facts = {"title": title, "emoji": "🙂", "colorFrom": "yellow", "colorTo": "red", "sdk": "static", "app_file": INDEX}
    lines = "".join(f"{name}: {json.dumps(text, ensure_ascii=False)}\n" for name, text in facts.items())
    return f"---\n{lines}---\nFaces that a variational autoencoder decodes in the browser, by minifaces.\n".encode()


def check_place(out: Path) -> None:
    """Raise UsageError or MinifacesError where `export_site` cannot write."""
    check_folder(out)
    if out.is_dir() and not (out / _MARK).exists() and not is_empty(out):
        raise UsageError(f"{out} holds files that no export wrote: name another folder")


def checked_address(text: str) -> str:
    """The address of a site's folder, with a slash at its end. Raises UsageError where it cannot be one."""
    wrong = UsageError(f"--url {text or repr('')}: wanted as in https://example.org/faces/, without ? # or a password")
    try:
        parts = urlsplit(text)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is none
        raise wrong from None
    if not whole or "@" in parts.netloc or re.search(r"[?#\\\s\0-\x1f]", text):
        raise wrong
    return text.removesuffix(f"/{INDEX}").rstrip("/") + "/"


def site(data: dict[str, bytes]) -> dict[str, bytes]:
    """What the page is made of: itself, and its data below `data/`."""
    page = {name: content for name, content in page_files().items() if name not in (WORKER, MANIFEST)}
    return {**page, **{f"{DATA}/{name}": content for name, content in data.items()}}


def hosted(data: dict[str, bytes], preview: bytes, address: str = "") -> dict[str, bytes]:
    """All files for a web server: those of `site`, a picture for chats that show one beside a link, and what keeps the
    page for offline. Most chats want the picture's whole address, so that of the site."""
    files, page = site(data), page_files()
    told = {
        "og:url": address,
        "og:image": address + PREVIEW,
        "og:image:width": str(SIZE[0]),
        "og:image:height": str(SIZE[1]),
        "og:image:alt": "Faces of the map",
    }
    lines = [
        f'<link rel="manifest" href="./{MANIFEST}">',
        *(f'<meta property="{name}" content="{html.escape(text)}">' for name, text in told.items() if text),
        '<meta name="twitter:card" content="summary_large_image">',
        "</head>",
    ]
    files[INDEX] = files[INDEX].replace(b"</head>", "\n".join(lines).encode(), 1)
    files |= {MANIFEST: page[MANIFEST], PREVIEW: preview}
    files[WORKER] = f"const FILES = {json.dumps(sorted(files))}\n".encode() + page[WORKER]
    return files


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
    page = files.pop(INDEX).decode()
    page, script = _take(page, r'<script type="module"[^>]* src="\./([^"]+)"></script>', files)
    page, style = _take(page, r'<link rel="stylesheet"[^>]* href="\./([^"]+)">', files)
    icon = base64.b64encode(files[FAVICON]).decode()
    page = re.sub(r'\s*<link rel="(?:icon|apple-touch-icon)"[^>]*>', "", page)
    page = page.replace("</title>", f'</title>\n<link rel="icon" href="data:image/svg+xml;base64,{icon}">', 1)
    page = re.sub(r'\s*<div class="unstarted">.*?</div>', "", page, flags=re.DOTALL)  # it starts from disk
    script = script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
    allowed = (
        f"default-src 'none'; script-src '{_hash(script)}' 'wasm-unsafe-eval'; style-src '{_hash(style)}'; "
        "worker-src blob:; img-src blob: data:; media-src blob:; base-uri 'none'; form-action 'none'"
    )
    page = page.replace(policy(page), allowed)
    index, body, at = {}, [], 0
    embedded = {name: content for name, content in files.items() if not name.endswith((".svg", ".png"))}
    for name, content in embedded.items():
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
    before, _, after = page.partition("</body>")
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


def _take(page: str, pattern: str, files: dict[str, bytes]) -> tuple[str, str]:
    """Cut the one element that `pattern` finds out of the page, and take its file."""
    found = re.findall(pattern, page)
    if len(found) != 1 or found[0] not in files:
        raise MinifacesError("the built page is not as expected: run `npm run build` in web/")
    return re.sub(pattern, "", page), files.pop(found[0]).decode()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
