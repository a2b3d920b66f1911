"""What happens to one picture from its bytes to its screened faces: a pure function, run wherever the workers are.

    (done,) = work_up([Job("photo.jpg", data)], Plan(128, "screen"))
    print(done.problem or [len(face.png) for face in done.faces])

The picture is decoded once, whatever steps are wanted. What is known already (`boxes`, `faces`) is not done again."""

import hashlib
import io
from collections.abc import Sequence
from typing import Literal, NamedTuple

from PIL import Image

from minifaces.arrays import Pixels
from minifaces.errors import MinifacesError, UsageError
from minifaces.images import decode_picture, square
from minifaces.photos.cut import find_heads
from minifaces.photos.duplicates import hash_of
from minifaces.photos.finder import Seen, detect
from minifaces.photos.frame import Framed, frame
from minifaces.photos.screen import Scores, screen
from minifaces.photos.workfolder import Box, Head, face_file

Step = Literal["import", "cut", "frame", "screen"]
STEPS: tuple[Step, ...] = ("import", "cut", "frame", "screen")
FAILED = Scores({}, None, None)
"""Of a face that could not be screened."""


class Plan(NamedTuple):
    size: int
    """Pixels a side of a face."""
    last: Step
    """The last step to take."""


class FramedFace(NamedTuple):
    png: bytes
    head: Box
    """In the upright original."""
    sure: float


class Job(NamedTuple):
    """A picture and what is known of it."""

    source: str
    data: bytes | None
    problem: str | None = None
    """Why there is no data."""
    boxes: tuple[Box, ...] = ()
    faces: tuple[FramedFace, ...] = ()
    """One a box, or none."""


class Done(NamedTuple):
    """What came of a job: either a problem or the rest; what the plan did not ask for is empty."""

    problem: str | None = None
    sha256: str = ""
    suffix: str = ""
    width: int = 0
    height: int = 0
    boxes: tuple[Box, ...] = ()
    faces: tuple[FramedFace, ...] = ()
    scores: tuple[Scores, ...] = ()
    hashes: tuple[int, ...] = ()
    remark: str | None = None
    """Of a picture that can be used: what of it could not be followed."""


LOST = Done("ends the process that decodes it")


def work_up(jobs: Sequence[Job], plan: Plan) -> list[Done]:
    """Each job's result. Whatever a picture does to the steps, it is told of and the others go on.

    Raises MinifacesError for a face that was framed before and is damaged."""
    return [_work_up(job, plan) for job in jobs]


def _work_up(job: Job, plan: Plan) -> Done:
    if job.data is None:
        return Done(job.problem)
    try:
        picture, suffix, remark = decode_picture(job.data, job.source)
    except UsageError as error:
        return Done(str(error).removeprefix(f"{job.source} "))
    height, width, _ = picture.shape
    done = Done(None, hashlib.sha256(job.data).hexdigest(), suffix, width, height, remark=remark)
    steps = STEPS.index(plan.last)
    seen: list[Seen] | None = None
    if steps >= 1 and not job.boxes:
        (seen,) = detect([picture])
        done = done._replace(boxes=tuple(find_heads(picture, seen)))
    elif steps >= 1:
        done = done._replace(boxes=job.boxes)
    if steps >= 2:
        crops = [picture[box.y0 : box.y1, box.x0 : box.x1] for box in done.boxes]
        known = seen if [crop.shape for crop in crops] == [picture.shape] else None  # of one that stays whole
        framed = _stored(job.faces, done) if job.faces else [_frame(crop, plan.size, known) for crop in crops]
        faces = job.faces or tuple(_face(f, box) for f, box in zip(framed, done.boxes, strict=True))
        done = done._replace(faces=faces)
    if steps >= 3:
        hashes = tuple(hash_of(f.picture) for f in framed)
        done = done._replace(scores=tuple(_screen(framed, crops)), hashes=hashes)
    return done


def _frame(crop: Pixels, size: int, seen: list[Seen] | None) -> Framed:
    try:
        return frame(crop, size, seen)
    except Exception:  # one odd picture of thousands: whole, and not sure of it at all
        return Framed(square(crop, size), Box(0, 0, crop.shape[1], crop.shape[0]), 0.0)


def _screen(framed: list[Framed], crops: list[Pixels]) -> list[Scores]:
    try:
        return screen(framed, crops)
    except Exception:
        return [FAILED] * len(framed)


def _face(framed: Framed, box: Box) -> FramedFace:
    buffer = io.BytesIO()
    Image.fromarray(framed.picture).save(buffer, "PNG", compress_level=4)  # half the time of 6 for 2 % more bytes
    x0, y0, x1, y1 = framed.box
    head = Box(x0 + box.x0, y0 + box.y0, x1 + box.x0, y1 + box.y0)
    return FramedFace(buffer.getvalue(), head, round(float(framed.sure), 4))


def _stored(faces: Sequence[FramedFace], done: Done) -> list[Framed]:
    """Faces that were framed before, as `frame` gave them. Raises MinifacesError, naming the file, for damaged ones."""
    result = []
    for index, (face, box) in enumerate(zip(faces, done.boxes, strict=True)):
        try:
            picture = decode_picture(face.png, "").picture
        except UsageError:
            head = Head(id=done.sha256[:16], index=index, of=len(faces), box=box)
            raise MinifacesError(
                f"{face_file(head.key)} of the work folder is damaged: remove its faces/, heads.jsonl, frames.jsonl "
                "and screen.jsonl, and run the same command again"
            ) from None
        x0, y0, x1, y1 = face.head
        result.append(Framed(picture, Box(x0 - box.x0, y0 - box.y0, x1 - box.x0, y1 - box.y0), face.sure))
    return result
