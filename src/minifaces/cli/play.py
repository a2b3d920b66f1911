"""`minifaces sample`, `avatar`, `reconstruct`, `morph` and `edit`: make new pictures with a model."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from minifaces.cli.bars import progress
from minifaces.cli.common import (
    FaceOption,
    JsonOption,
    ModelOption,
    PictureOption,
    RefineOption,
    latents_of,
    open_model,
    print_json,
    remark,
    save,
    say,
    tell,
)
from minifaces.cli.help import Commands
from minifaces.cli.pathnames import named, names_folder, picture_or_folder, portrait, strip_or_film
from minifaces.errors import UsageError

if TYPE_CHECKING:
    from minifaces.arrays import Latents
    from minifaces.studio.model import Model

app = Commands()

_STRIPS = (".png", ".jpg", ".jpeg")
_MOST_IN_A_PICTURE = 10_000
_LONGEST_TOLD = 100  # characters of an avatar's text
_CHUNK = 256  # faces decoded at a time, so that a folder of 100,000 needs no more memory than one of 256


@app.command()
def sample(
    n: Annotated[int, typer.Option("-n", metavar="N", help="How many faces, 1 to 100,000.")] = 25,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="0 or more: the same faces every time.", show_default="a fresh one"),
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|FOLDER",
            parser=picture_or_folder,
            help="A picture of all, or a folder (a name without a suffix) of a PNG each.",
        ),
    ] = "faces.png",
    temperature: Annotated[float, typer.Option(metavar="X", help="Below 1 more ordinary, above 1 odder.")] = 1.0,
    prior: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What to draw from: one of the priors that `minifaces model info` lists.",
            show_default="the first",
        ),
    ] = None,
    reject: Annotated[
        float,
        typer.Option(metavar="SHARE", help="How many to leave out, 0 to 0.9 of them: those that are smeared most."),
    ] = 0.0,
    polish: Annotated[
        int, typer.Option(metavar="ROUNDS", help="Decode and encode so often: fewer smears, a little less variety.")
    ] = 0,
    having: Annotated[
        list[str] | None, typer.Option("--with", metavar="ATTRIBUTE", help="What all have: glasses, beard, smile, ...")
    ] = None,
    lacking: Annotated[
        list[str] | None, typer.Option("--without", metavar="ATTRIBUTE", help="What none has; may be repeated, too.")
    ] = None,
    head: Annotated[
        str | None, typer.Option(metavar="COLOUR", help="The colour of all heads, such as 'medium nougat'.")
    ] = None,
    novelty: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="How many are new: of two prints, half of them with eyes of no design.",
            show_default="0.5",
        ),
    ] = None,
    as_json: JsonOption = False,
    model_folder: ModelOption = None,
) -> None:
    """Draw faces that are nobody's."""
    import secrets

    from minifaces.pictures import grid

    model = open_model(model_folder)
    seed = secrets.randbelow(2**32) if seed is None else seed  # told, so that a good draw can be had again
    wanted = _wanted(having or [], lacking or [])
    latents = model.sample_latents(n, seed, temperature, prior, reject, polish, wanted, head, novelty)
    what = f"{n} {'face' if n == 1 else 'faces'} of seed {seed}"
    facts: dict[str, object] = {
        "n": n,
        "seed": seed,
        "temperature": temperature,
        "prior": prior,
        "reject": reject,
        "polish": polish,
    }
    facts |= {"with": having or [], "without": lacking or [], "head": head, "novelty": novelty}
    if not names_folder(output):
        if n > _MOST_IN_A_PICTURE:
            raise UsageError(f"a picture holds {_MOST_IN_A_PICTURE} faces: write more into a folder, as in -o faces")
        save(Path(output), grid(model.decode(latents)), what, as_json, facts)
        return
    _save_each(model, latents, Path(output))
    if as_json:
        print_json({"folder": str(Path(output)), **facts})
    else:
        say(f"{Path(output)}: {what}, a PNG each")


def _wanted(having: Sequence[str], lacking: Sequence[str]) -> dict[str, bool] | None:
    """What faces should have (True) and lack, by the attributes' names, of what people call them; None for nothing."""
    from minifaces.attributes import named_attribute

    wanted = {named_attribute(name): True for name in having} | {named_attribute(name): False for name in lacking}
    if len(wanted) < len(having) + len(lacking):
        raise UsageError("an attribute is asked for twice")
    return wanted or None


def _save_each(model: "Model", latents: "Latents", folder: Path) -> None:
    from minifaces.images import save_picture

    digits = len(str(len(latents)))
    for start in progress(range(0, len(latents), _CHUNK), "faces", math.ceil(len(latents) / _CHUNK)):
        for i, face in enumerate(model.decode(latents[start : start + _CHUNK]), start + 1):
            save_picture(folder / f"{i:0{digits}d}.png", face)


@app.command()
def avatar(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Any text, such as a name or an e-mail address.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", parser=portrait, help="The PNG, WebP, JPEG or SVG.")
    ] = Path("avatar.png"),
    size: Annotated[
        int | None, typer.Option(metavar="PIXELS", help="A side, 8 to 4096.", show_default="the model's")
    ] = None,
    background: Annotated[
        str | None,
        typer.Option(metavar="COLOUR", help="Behind the head: ffd500, or clear.", show_default="as it is drawn"),
    ] = None,
    as_json: JsonOption = False,
    model_folder: ModelOption = None,
) -> None:
    """Give a text its face, always the same one.

    The file is the same as minifaces serve gives at /avatar/TEXT.png."""
    from minifaces.files import atomic
    from minifaces.pictures.portrait import check, kind_of
    from minifaces.pictures.portrait import portrait as drawn
    from minifaces.studio.generator import avatar_seed

    kind = kind_of(output)
    check(size, kind, background)
    model = open_model(model_folder)
    seed, side = avatar_seed(text), model.image_size if size is None else size
    file = drawn(model.avatar(text), side, kind, background)
    with atomic(output) as scratch:
        scratch.write_bytes(file)
    shown = text if len(text) <= _LONGEST_TOLD else text[:_LONGEST_TOLD] + "..."
    what = f"the face of '{shown}', {side} x {side}"
    tell(output, what, as_json, {"width": side, "height": side, "text": text, "seed": str(seed)})


@app.command()
def reconstruct(
    photos: Annotated[
        list[Path],
        typer.Argument(metavar="PHOTO", parser=named("a PHOTO"), help="Picture files."),
    ],
    output: PictureOption = Path("recon.png"),
    number: FaceOption = None,
    refine: RefineOption = False,
    as_json: JsonOption = False,
    model_folder: ModelOption = None,
) -> None:
    """Show what the model makes of pictures.

    Each picture is above, and its reconstruction below. Of a photo of figures one face is taken, without what covers
    it."""
    import numpy as np

    from minifaces.evaluate.similarity import psnr
    from minifaces.facefinder import described, read_face
    from minifaces.images import read_picture
    from minifaces.pictures import pairs

    model = open_model(model_folder)
    reads = [read_face(read_picture(photo), model.image_size, number) for photo in photos]
    for photo, read in zip(photos, reads, strict=True):
        if read.chosen is not None:
            remark(f"{photo}: {described(read)}")
    framed = np.stack([read.picture for read in reads])
    latents = model.encode(framed)
    if refine:
        each = zip(framed, latents, strict=True)
        latents = np.stack([model.refine(p[None], z)[0] for p, z in progress(each, "refining", len(framed))])
    made = model.decode(latents)
    alike = psnr(framed, made)
    of_each = {str(photo): round(float(value), 2) for photo, value in zip(photos, alike, strict=True)}
    what = f"{len(photos)} {'picture' if len(photos) == 1 else 'pictures'}, PSNR {alike.mean():.1f} dB"
    save(output, pairs(framed, made), what, as_json, {"psnr_db": of_each})


@app.command()
def morph(
    faces: Annotated[
        list[str], typer.Argument(metavar="FACE", help="Gallery names, random:SEED, avatar:TEXT or picture files.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            parser=strip_or_film,
            help="An animation (.gif, .webp, .apng, .mp4), which lingers at each face, or a strip (.png, .jpg).",
        ),
    ] = Path("morph.gif"),
    path: Annotated[
        Literal["linear", "slerp", "density", "geodesic"],
        typer.Option(
            metavar="NAME",
            help="density: where faces are likely; linear: straight on; slerp: a turn about the mean face; "
            "geodesic: the least change of picture.",
        ),
    ] = "density",
    steps: Annotated[
        int | None,
        typer.Option(metavar="N", help="Pictures from each face to the next.", show_default="9 in a strip, else 40"),
    ] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Go back to the first face.")] = False,
    fps: Annotated[float, typer.Option(metavar="X", help="Pictures a second of an animation.")] = 20.0,
    number: FaceOption = None,
    refine: RefineOption = False,
    as_json: JsonOption = False,
    model_folder: ModelOption = None,
) -> None:
    """Turn one face into the next, in an animation or a strip."""
    from minifaces.pictures import check_animation, save_animation, strip

    still = output.suffix.lower() in _STRIPS
    if not still:
        check_animation(output, fps)
    model = open_model(model_folder)
    latents = latents_of(model, faces, refine, number)
    steps = steps if steps is not None else 9 if still else 40
    frames = model.morph(*latents, steps=steps, path=path, loop=loop, eased=not still)
    facts = {"faces": faces, "path": path, "frames": len(frames)}
    if still:
        save(output, strip(frames), f"{len(frames)} steps", as_json, facts)
    else:
        save_animation(output, frames, fps)
        tell(output, f"{len(frames)} frames, {len(frames) / fps:.1f} s", as_json, {**facts, "fps": fps})


@app.command(context_settings={"ignore_unknown_options": True})
def edit(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="FACE [--ATTRIBUTE AMOUNT]",
            help="A gallery name, random:SEED, avatar:TEXT or a picture file, and what to change: "
            "--smile 1 --turn -0.5. 1 shows clearly; a negative amount takes away.",
        ),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="ATTRIBUTE=AMOUNT", help="The same, with the name as it is written; may be repeated."
        ),
    ] = None,
    output: PictureOption = Path("edited.png"),
    sweep: Annotated[bool, typer.Option("--sweep", help="Show the way there in steps.")] = False,
    number: FaceOption = None,
    refine: RefineOption = False,
    as_json: JsonOption = False,
    model_folder: ModelOption = None,
) -> None:
    """Add attributes to a face or take them away.

    The picture shows it before and after. `minifaces model info` lists the model's attributes."""
    import numpy as np

    from minifaces.pictures import strip

    face, given = _face_and_amounts(words, settings or [])
    model = open_model(model_folder)
    # Options are written with hyphens, --dark-head, where names have underscores.
    amounts = {name if name in model.directions else name.replace("-", "_"): given[name] for name in given}
    if not amounts:
        raise UsageError(
            f"say what to edit, as in --smile 1; the model knows {', '.join(model.directions) or 'nothing'}"
        )
    (latent,) = latents_of(model, [face], refine, number)
    edited = model.edit(latent, amounts)
    shares = np.linspace(0, 1, 7 if sweep else 2)[1:-1]
    between = [model.edit(latent, {name: share * amounts[name] for name in amounts}) for share in shares]
    latents = np.concatenate([latent[None], *between, edited])
    what = ", ".join(f"{name} {amount:+g}" for name, amount in amounts.items())
    facts = {"face": face, "amounts": amounts}
    save(output, strip(model.decode(latents)), f"{face} with {what}", as_json, facts)


def _face_and_amounts(words: Sequence[str], settings: Sequence[str]) -> tuple[str, dict[str, float]]:
    """Sort `["x.png", "--smile", "2", "--beard=-1"]` and `["smile=2"]` into the face and its amounts."""
    faces: list[str] = []
    pairs = [setting.rpartition("=")[::2] if "=" in setting else (setting, "") for setting in settings]
    rest = iter(words)
    for word in rest:
        if not word.startswith("--"):
            faces.append(word)
            continue
        name, equals, amount = word.removeprefix("--").partition("=")
        pairs.append((name, amount if equals else next(rest, "")))
    if len(faces) != 1:
        raise UsageError(f"edit takes one face, not {len(faces)}{': ' if faces else ''}{', '.join(faces)}")
    return faces[0], {name: _amount(name, text) for name, text in pairs}


def _amount(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{name} needs an amount, as in --{name} 2, not {text!r}") from None
