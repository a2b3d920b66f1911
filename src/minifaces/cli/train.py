"""`minifaces train`: faces in, a model folder out; or parts of a model fitted anew."""

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minifaces.cli.bars import stages_bar, training_bar
from minifaces.cli.common import pair, say
from minifaces.cli.help import Commands
from minifaces.cli.pathnames import folder, named
from minifaces.errors import UsageError, needs
from minifaces.files import shown

if TYPE_CHECKING:
    from minifaces.vae.train import Trained

app = Commands()


@app.command()
def train(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Only with --refit: mixture, parts, flow, directions, editor, gallery; all of them without a NAME.",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="A data set, any folder of pictures or of parquet files; composed: faces made while training.",
            show_default="composed",
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", parser=folder, help="The model's folder; the run is in its training/."
        ),
    ] = Path("model"),
    preset: Annotated[str, typer.Option(metavar="NAME", help="default, or seed: the 2020 system.")] = "default",
    minutes: Annotated[
        float | None, typer.Option(metavar="X", help="About how long it all takes on this machine.")
    ] = None,
    epochs: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="How often all pictures are seen; of composed faces, 3,800 count as all.",
            show_default="the preset's",
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", help="How many steps, each of one batch of faces.")] = None,
    size: Annotated[
        int | None,
        typer.Option(metavar="PIXELS", help="A side of the pictures: 32, 64, 128 or 256.", show_default="the preset's"),
    ] = None,
    latent: Annotated[
        int | None,
        typer.Option(metavar="N", help="How many numbers a face is encoded to.", show_default="the preset's"),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(metavar="N", help="How many faces a step learns from.", show_default="the preset's")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any other setting (docs/reference/model.md), as loss.beta=2; may be repeated.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, max=2**32 - 1, help="Another seed, another model.")] = 0,
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="How many cores to use.", show_default="all")
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="MODEL", parser=named("--from"), help="Begin with the weights of this model's folder."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the -o folder.")] = False,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard", help="Also write losses, sheets of faces and the gallery for TensorBoard, in training/."
        ),
    ] = False,
    refit: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL",
            parser=named("--refit"),
            help="Train nothing: fit NAMEs anew in this model's folder, with other settings if --set says so.",
        ),
    ] = None,
) -> None:
    """Train a model, or with --refit fit parts of one anew.

    Give one of --minutes, --epochs and --steps, or the preset says how long.
    Ctrl-C saves; --resume goes on as if nothing had happened."""
    changes = dict(_setting(text) for text in settings or [])
    if refit is not None:
        told = "it goes with NAMEs, --data, --set and --threads"
        _check_given(context, "--refit", ("refit", "names", "data", "settings", "threads"), told)
        _check_data(data)
        _refit(refit, names or [], data, changes, threads)
        return
    if names:
        raise UsageError(f"{names[0]}: name the data with --data; NAMEs are for --refit MODEL")
    if resume:
        told = "a run goes on as it was begun; --steps makes it longer or shorter"
        _check_given(context, "--resume", ("resume", "output", "steps", "threads", "tensorboard"), told)
    _check_length({"--minutes": minutes, "--epochs": epochs, "--steps": steps})
    _check_data(data)
    _check_installed()
    if tensorboard:
        needs("--tensorboard", "tensorboard", "tensorboard")
    from minifaces.fits.export import export_model
    from minifaces.fits.pace import share_out
    from minifaces.vae import config
    from minifaces.vae import train as training

    began = time.monotonic()
    options = {"epochs": epochs, "network.image_size": size, "network.latent_size": latent, "optimiser.batch": batch}
    wanted = config.preset(preset, **{key: value for key, value in options.items() if value is not None}, **changes)
    place = output / "training"
    if resume:
        run = training.resume(place, steps, threads)
    else:
        run = training.begin(wanted, data or "composed", place, seed, steps, minutes, start, threads)
    writes = run.accelerator.is_main_process  # of several processes, one
    if minutes is not None:
        parts = share_out(run, time.monotonic() - began)
        if writes:
            say(
                "training for about {} min, then fitting for {}".format(*(f"{part / 60:.1f}" for part in parts)),
                err=True,
            )
    with training_bar(run.progress.step, run.progress.steps or None, writes) as update:
        trained = run.train(update, board=tensorboard)
    if writes:
        with stages_bar() as done:
            export_model(trained, output, shown(output.resolve().name), done)
        if tensorboard:
            _show_gallery(output, trained.steps)
        say(f"{output}: {_summary(trained)}; try minifaces demo --model {output}")


def _show_gallery(model: Path, steps: int) -> None:
    """Add the finished model's gallery to what TensorBoard shows of its training."""
    import minifaces
    from minifaces.vae.board import Board

    board = Board(model / "training", steps)
    board.gallery(minifaces.load(model))
    board.close()


def _refit(model: Path, names: list[str], data: str | None, changes: Mapping[str, object], threads: int | None) -> None:
    _check_installed()
    from minifaces.fits.export import refit
    from minifaces.vae.config import FITS

    with stages_bar() as done:
        fitted = refit(model, names or FITS, data, changes, done, threads)
    without = [name for name in FITS if name in (names or FITS) and name not in fitted]
    told = f"fitted anew: {', '.join(fitted) or 'nothing'}" + (f"; without {', '.join(without)}" if without else "")
    say(f"{model}: {told}; try minifaces demo --model {model}")


def _check_given(context: typer.Context, option: str, allowed: Sequence[str], told: str) -> None:
    """Raise UsageError for an option that another one has no use for."""
    for param in context.command.params:
        source = context.get_parameter_source(param.name)
        if source is not None and source.name == "COMMANDLINE" and param.name not in allowed:
            raise UsageError(f"{param.opts[0]} has no use with {option}: {told}")


def _check_length(lengths: Mapping[str, float | None]) -> None:
    given = {name: value for name, value in lengths.items() if value is not None}
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} say the same thing twice: give one")
    for name, value in given.items():
        if not 0 < value < 1e9:
            raise UsageError(f"{name} {value}: a number above 0 wanted")


def _check_data(data: str | None) -> None:
    if data == "":
        raise UsageError("--data is empty: name a folder of pictures, or composed")
    if data not in (None, "composed") and not Path(data).exists():
        raise UsageError(f"{data} is missing: name a folder of pictures, or composed")


def _check_installed() -> None:
    needs("training", "train", "torch", "accelerate", "onnx", "onnxscript", "numba", "scipy", "sklearn")


def _summary(trained: "Trained") -> str:
    many = trained.source.faces  # without end where they are composed, each for one step
    faces = f"{trained.faces:,} composed faces" if math.isinf(many) else f"{many:,.0f} pictures"
    return f"trained on {faces} in {trained.steps:,} steps and {trained.seconds / 60:.1f} minutes"


def _setting(text: str) -> tuple[str, Any]:
    """KEY=VALUE with the value as JSON, or as a word."""
    import json

    key, value = pair(text, "--set", "loss.beta=2")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value
