"""The work folder: everything that is known of the pictures on their way to a data set.

    WORK/
      settings.json       what a replay needs: size and thresholds
      manifest.jsonl      `Original`: one line a picture that was found, usable or not
      originals/ab/...    the bytes as they were found, named by their sha256
      heads.jsonl         `Head`: one line a head, in manifest order
      frames.jsonl        `Frame`: one line a head, in the order of heads.jsonl
      faces/ab/...png     the framed faces, size x size
      screen.jsonl        `Screen`: one line a face, in the order of frames.jsonl
      decisions.jsonl     `Decision`: what a person decided; the last line of a key holds

Every list only grows at its end, a step writes pictures before their lines, and a line that broke off is cut when
the list is next written. So a step that was interrupted goes on at the first line that is missing.

    work = Work("work")
    for face in work.faces():
        print(face.head.key, face.screen and face.screen.flags)"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from minifaces.errors import MinifacesError, UsageError
from minifaces.files import read_json, write_json
from minifaces.folders import is_work_folder
from minifaces.photos.lists import first_problem, read_rows

Share = Annotated[float, Field(ge=0, le=1)]
Id = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Key = Annotated[str, Field(pattern=r"^[0-9a-f]{16}-\d+$")]


class Box(NamedTuple):
    """A part of a picture in whole pixels: columns x0 to x1, rows y0 to y1, the latter of each not included."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        return self.y1 - self.y0


class Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Original(Row):
    """A picture that was found, or one that could not be used: then `problem` says why, and the rest may be missing."""

    id: Id | None = None
    """First 16 digits of the sha256: the picture's name everywhere."""
    sha256: str | None = None
    file: str | None = None
    """Where its bytes are kept, from the work folder; None where there is a problem."""
    source: str
    """The path or URL that it came from; of a member of an archive, the archive's path, "!", its name."""
    found: str
    """ISO date."""
    bytes: int | None = None
    width: int | None = None
    """Upright, that is with the EXIF orientation applied."""
    height: int | None = None
    problem: str | None = None
    """One line that goes on from the source: "is empty (0 bytes): fetch or save it again"."""
    etag: str | None = None
    page: str | None = None
    """URL of the page that offered it."""
    part: str | None = None
    """The part number that it was collected for."""
    attributes: dict[str, str] = {}
    """What a metadata.csv or a parquet file says of it."""


class Head(Row):
    """One of the `of` heads in a picture."""

    id: Id
    index: int
    of: int
    box: Box
    """In the upright original."""

    @property
    def key(self) -> str:
        """The face's name everywhere."""
        return f"{self.id}-{self.index}"


class Frame(Row):
    """How a head was framed."""

    key: Key
    head: Box
    """The head's own outline, in the upright original."""
    sure: Share


class Screen(Row):
    """What may be wrong with a face."""

    key: Key
    scores: dict[str, Share]
    """Of each defect, 0 to 1, higher is worse."""
    flags: tuple[str, ...] = ()
    """The defects at or above their thresholds, and "duplicate"."""
    duplicate_of: Key | None = None
    yaw: float | None = None
    """Estimated degrees."""
    pitch: float | None = None
    hash: int | None = None
    """Perceptual hash, 64 bits."""


class Decision(Row):
    key: Key
    keep: bool
    time: str = ""


class Settings(Row):
    """What the steps were told: a replay needs the same. A threshold that is not given is the default one."""

    size: Annotated[int, Field(ge=16, le=1024)] = 128
    thresholds: dict[str, float] = {}


@dataclass(frozen=True)
class Face:
    """All that is known of one framed head; `screen` is None before it was screened."""

    original: Original
    head: Head
    frame: Frame
    screen: Screen | None


class Work:
    """A work folder. Reading is lazy: lists of 100,000 lines are never held as a whole.

    Raises UsageError where there is no such folder (unless `make`) or one of its lists is damaged."""

    def __init__(self, folder: str | os.PathLike[str], make: bool = False) -> None:
        self.folder = Path(folder)
        self.manifest = self.folder / "manifest.jsonl"
        self.heads_list = self.folder / "heads.jsonl"
        self.frames_list = self.folder / "frames.jsonl"
        self.screen_list = self.folder / "screen.jsonl"
        self.decisions_list = self.folder / "decisions.jsonl"
        if self.folder.exists() and not self.folder.is_dir():
            raise UsageError(f"{self.folder} is a file: name a work folder")
        if make:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise MinifacesError(f"cannot write {self.folder}: {error.strerror or error}") from error
            if not is_work_folder(self.folder) and any(path.name[0] != "." for path in self.folder.iterdir()):
                raise UsageError(f"{self.folder} is not empty and no work folder: name another one")
        elif not is_work_folder(self.folder):
            raise UsageError(
                f"{self.folder} is not a work folder: make one with `minifaces data prepare SOURCE -o WORK`"
            )

    @property
    def settings(self) -> Settings:
        """What settings.json says; the defaults where there is none yet."""
        path = self.folder / "settings.json"
        if not path.exists():
            return Settings()
        try:
            return Settings.model_validate(read_json(path))
        except ValidationError as error:
            raise UsageError(f"{path} is damaged: {first_problem(error)}") from None

    def save_settings(self, settings: Settings) -> None:
        write_json(self.folder / "settings.json", settings.model_dump())

    def originals(self) -> Iterator[Original]:
        """Every line of the manifest, those with a problem too."""
        return read_rows(self.manifest, Original)

    def heads(self) -> Iterator[Head]:
        return read_rows(self.heads_list, Head)

    def faces(self) -> Iterator[Face]:
        """Every framed head with all that is known of it, in manifest order.

        Raises UsageError where the lists do not belong together."""
        originals = (original for original in self.originals() if original.problem is None)
        original = next(originals, None)
        heads, screens = self.heads(), read_rows(self.screen_list, Screen)
        for frame in read_rows(self.frames_list, Frame):
            head, screen = next(heads, None), next(screens, None)
            if head is None or head.key != frame.key or (screen is not None and screen.key != frame.key):
                raise UsageError(
                    f"{self.folder}: its lists do not belong together at {frame.key}: "
                    "remove heads.jsonl, frames.jsonl and screen.jsonl, and run the steps again"
                )
            while original is not None and original.id != head.id:
                original = next(originals, None)
            if original is None:
                raise UsageError(f"{self.manifest} does not list {head.id}, which {self.heads_list.name} does")
            yield Face(original, head, frame, screen)

    def decisions(self) -> dict[str, Decision]:
        """The decision that holds for each key."""
        return {row.key: row for row in read_rows(self.decisions_list, Decision, whole=True)}

    def face_path(self, key: str) -> Path:
        """Where the framed face of a key is kept."""
        return self.folder / face_file(key)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing into this folder. Raises UsageError where another one does."""
        try:
            import fcntl
        except ImportError:  # not on Windows
            yield
            return
        with (self.folder / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UsageError(f"{self.folder} is in use by another process: wait for it to end") from None
            yield


def face_file(key: str) -> str:
    """Where the framed face of a key is kept, from the work folder."""
    return f"faces/{key[:2]}/{key}.png"
