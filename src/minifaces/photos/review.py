"""The review page: one HTML file in which a person keeps or rejects faces, the most suspicious first.

Everything is inside: scores, thumbnails, style and script (`page/`). It works from disk and loads nothing. The
thumbnails stand in blocks of base64 lines, which the page takes apart when they come into sight.

    write_page("review.html", Work("work"))"""

import hashlib
import heapq
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import IO, Any

from minifaces.cores import cores
from minifaces.errors import UsageError
from minifaces.files import atomic, shown
from minifaces.images import read_picture
from minifaces.photos.screen import DEFECTS, WORDS
from minifaces.photos.thumbnails import thumbnail
from minifaces.photos.workfolder import Face, Screen, Work

MOST = 5000
"""Faces on one page, unless told otherwise: about 40 MB."""

_FACE, _ORIGINAL = 128, 224  # longest sides of the thumbnails
_BLOCK = 250  # thumbnails in one block


def write_page(
    path: str | os.PathLike[str],
    work: Work,
    limit: int = MOST,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> tuple[int, int]:
    """Write the page; return how many faces it shows, and of how many.

    Of more than `limit` faces it shows those without a decision before those with one, and of these the most
    suspicious, together with whatever repeats them or is repeated by them. The decisions in the work folder are taken
    into the page, which goes on from them.
    `progress` is called with how many thumbnails are done and how many there are.
    Raises UsageError where nothing is screened yet or a list is damaged."""
    thresholds = {**DEFECTS, **work.settings.thresholds}
    decisions = work.decisions()
    ranks: list[tuple[bool, float, str]] = []
    first_of: dict[str, str] = {}
    for face in work.faces():
        key, screen = face.head.key, _screened(work, face)
        ranks.append((key not in decisions, suspicion(screen, thresholds), key))
        first_of[key] = first_of.get(screen.duplicate_of, screen.duplicate_of) if screen.duplicate_of else key
    if not ranks:
        raise UsageError(f"{work.folder} holds no faces to review: run `minifaces data frame` and `data screen` first")
    chosen = {first_of[key] for _, _, key in heapq.nlargest(limit, ranks)}
    faces = [face for face in work.faces() if first_of[face.head.key] in chosen]
    originals = list({face.original.id: face for face in faces}.values())
    data = {
        **_described(work, faces, first_of, thresholds, len(ranks)),
        "decisions": [row.model_dump() for row in decisions.values()],
        "block": _BLOCK,
    }
    head, tail = _template()
    total = len(faces) + len(originals)
    with atomic(path) as scratch, scratch.open("w", encoding="utf-8") as file:
        file.write(head)
        # "<" may not stand in a script block as it is: a source named "</script>" would end it.
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
        file.write(f'<script type="application/json" id="data">{text}</script>\n')
        framed = [work.face_path(face.head.key) for face in faces]
        _write_blocks(file, "faces", framed, _FACE, lambda done: progress(done, total))
        whole = [work.folder / str(face.original.file) for face in originals]
        _write_blocks(file, "originals", whole, _ORIGINAL, lambda done: progress(len(faces) + done, total))
        file.write(tail)
    return len(faces), len(ranks)


def suspicion(screen: Screen, thresholds: dict[str, float]) -> float:
    """How suspicious a face is, -1 to 1: how far its worst score lies above (0 to 1) or below (-1 to 0) its threshold,
    as a share of the way there is. A repeated face counts as 0.5: nothing else need be wrong with it."""
    worst = 0.5 if screen.duplicate_of else -1.0
    for name, score in screen.scores.items():
        threshold = thresholds.get(name, 1.0)
        if score >= threshold:
            worst = max(worst, (score - threshold) / (1 - threshold) if threshold < 1 else 0.0)
        else:
            worst = max(worst, score / threshold - 1)
    return round(worst, 4)


def _screened(work: Work, face: Face) -> Screen:
    if face.screen is None:
        raise UsageError(f"{work.folder} is not wholly screened: run `minifaces data screen {work.folder}` first")
    return face.screen


def _described(
    work: Work, faces: list[Face], first_of: dict[str, str], thresholds: dict[str, float], of: int
) -> dict[str, Any]:
    """All that the page knows besides pictures and decisions."""
    screens = [_screened(work, face) for face in faces]
    names = [name for name in thresholds if any(name in screen.scores for screen in screens)]
    flags = dict.fromkeys(flag for screen in screens for flag in screen.flags)
    names += [flag for flag in sorted(flags) if flag not in names]  # flags without a score: repeated, failed
    numbers = {name: i for i, name in enumerate(names)}
    places: dict[str | None, int] = {}
    for face in faces:
        places.setdefault(face.original.id, len(places))
    more = f"the {len(faces)} most suspicious of {of} faces; the others are kept or rejected as the screening says"
    return {
        "name": shown(work.folder.resolve().name),
        "id": hashlib.sha256("\n".join(face.head.key for face in faces).encode()).hexdigest()[:16],
        "note": more if of > len(faces) else "",
        "defects": [{"name": name, "words": words(name), "threshold": thresholds.get(name, 1)} for name in names],
        "originals": [
            {"source": first.original.source, "width": first.original.width, "height": first.original.height}
            | {"heads": first.head.of}
            for first in {face.original.id: face for face in faces}.values()
        ],
        "faces": [
            {
                "key": face.head.key,
                "original": places[face.original.id],
                "head": face.head.index,
                "box": _fractions(face),
                "sure": face.frame.sure,
                "scores": [screen.scores.get(name) for name in names],
                "flags": [numbers[name] for name in screen.flags],
                "first": first_of[face.head.key],
                "suspicion": suspicion(screen, thresholds),
            }
            for face, screen in zip(faces, screens, strict=True)
        ],
    }


def words(defect: str) -> str:
    """A defect's name as people read it."""
    return WORDS.get(defect, defect.replace("_", " "))


def _fractions(face: Face) -> list[float]:
    """The head's outline as shares of the original's width and height."""
    width, height = face.original.width or 1, face.original.height or 1
    x0, y0, x1, y1 = face.frame.head
    return [round(value, 4) for value in (x0 / width, y0 / height, x1 / width, y1 / height)]


def _template() -> tuple[str, str]:
    """The page before and after its data."""
    folder = files("minifaces.photos") / "page"
    page, style, script = ((folder / f"review.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    head, tail = page.replace("/*style*/", style).split("<!--data-->\n")
    return head, tail.replace("/*script*/", script)


def _write_blocks(file: IO[str], name: str, paths: list[Path], side: int, progress: Callable[[int], None]) -> None:
    """Write the thumbnails of pictures, block by block, so that they are never all in memory."""
    with ThreadPoolExecutor(cores()) as pool:  # Pillow works outside of Python's lock
        for start in range(0, len(paths), _BLOCK):
            file.write(f'<script type="text/plain" class="{name}">\n')
            lines = pool.map(lambda path: thumbnail(read_picture(path), side), paths[start : start + _BLOCK])
            for done, line in enumerate(lines, start + 1):
                file.write(line + "\n")
                progress(done)
            file.write("</script>\n")
