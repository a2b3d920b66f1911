"""`minifaces train`: faces in, a model folder out."""

import math
from pathlib import Path
from typing import Annotated

import typer

from minifaces.cli.common import say
from minifaces.cli.paths import folder, named
from minifaces.errors import UsageError
from minifaces.files import shown

app = typer.Typer()


@app.command()
def train(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="An image folder, or `composed`: faces made on the fly.")
    ] = "composed",
    preset: Annotated[str, typer.Option(help="`default`, or `seed`: the 2020 system.")] = "default",
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FOLDER", parser=folder, help="The model folder; the run is kept in its training/."
        ),
    ] = Path("model"),
    minutes: Annotated[float | None, typer.Option(help="About how long to train on this machine.")] = None,
    epochs: Annotated[float | None, typer.Option(help="Passes over the data (composed: of 3800 faces).")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of one batch.")] = None,
    size: Annotated[int | None, typer.Option(help="Picture size: 32, 64, 128 or 256.")] = None,
    latent: Annotated[int | None, typer.Option(help="Numbers in a latent.")] = None,
    batch: Annotated[int | None, typer.Option(help="Faces in a batch.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other setting, as loss.beta=2."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1)] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads.", show_default="all cores")] = None,
    start: Annotated[
        Path | None,
        typer.Option("--from", metavar="MODEL", parser=named("--from"), help="Begin with the weights of this model."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
) -> None:
    """Train a model and export it. Ctrl-C saves; --resume goes on as if nothing had happened."""
    lengths = {"--minutes": minutes, "--epochs": epochs, "--steps": steps}
    given = {name: value for name, value in lengths.items() if value is not None}
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} say the same thing twice: give one")
    for name, value in given.items():
        if not 0 < value < 1e9:
            raise UsageError(f"{name} {value}: a number above 0 wanted")
        if resume and name != "--steps":
            raise UsageError(
                f"{name}: a run that goes on is as long as it was to be; --steps makes it longer or shorter"
            )
    if not data:
        raise UsageError("DATA is empty: name an image folder, or `composed`")
    if data != "composed" and not Path(data).exists():
        raise UsageError(f"{data} is missing: name an image folder, or `composed`")
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file: name a folder")
    changes = {
        "epochs": epochs,
        "network.image_size": size,
        "network.latent_size": latent,
        "optimiser.batch": batch,
    }
    settings = {k: v for k, v in changes.items() if v is not None} | dict(_setting(s) for s in set_ or [])
    try:
        from minifaces.fits.export import export_model
        from minifaces.vae.config import preset as configuration
        from minifaces.vae.train import Run, Status
    except ImportError as error:
        raise UsageError(f"training needs {error.name}: pip install 'minifaces[train]'") from None
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    config = configuration(preset, **settings)
    console = Console(stderr=True)
    run = Run(config, data, out / "training", seed, steps, minutes, resume, threads, start)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(16),
        TextColumn("{task.completed}/{task.total}"),
        TextColumn("{task.fields[said]}"),
    )
    with Progress(*columns, console=console, disable=not run.accelerator.is_main_process) as bar:
        task = bar.add_task("training", total=run.steps or None, completed=run.step, said="")

        def show(status: Status) -> None:
            said = " ".join(f"{k} {status.losses[k]:.3g}" for k in ("loss", "mse", "kl"))
            left = f"{status.seconds_left / 60:.0f} min left" if status.seconds_left else ""
            bar.update(task, completed=status.step, total=status.steps or None, said=f"{said} {left}")

        trained = run.train(show)
    if not run.accelerator.is_main_process:  # of several processes, one exports
        return
    export_model(trained, out, shown(out.resolve().name), lambda what: console.print(f"{what} ..."))
    many = trained.source.faces  # without end where they are composed, each for one step
    faces = f"{trained.faces:,} composed faces" if math.isinf(many) else f"{many:,.0f} pictures"
    say(
        f"{out}: trained on {faces} in {trained.steps:,} steps and {trained.seconds / 60:.1f} minutes; "
        f"try minifaces demo --model {out}"
    )


def _setting(text: str) -> tuple[str, object]:
    """KEY=VALUE with the value as JSON, or as a word."""
    import json

    key, mark, value = text.partition("=")
    if not mark or not key:
        raise UsageError(f"--set {text}: KEY=VALUE wanted, as loss.beta=2")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value
