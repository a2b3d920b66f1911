"""`minifaces model`: what a model is; models on the Hugging Face Hub."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minifaces.cli.common import JsonOption, ModelOption, cell, console, human, open_model, print_json, say
from minifaces.cli.help import Commands
from minifaces.cli.pathnames import folder, named

if TYPE_CHECKING:
    from minifaces.studio.model import Model

app = Commands(help="Look into models, fetch and publish them.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Look into models, fetch and publish them."""


@app.command()
def info(as_json: JsonOption = False, model_folder: ModelOption = None) -> None:
    """Say what a model is: sizes, priors, attributes, gallery, files.

    Every file that is played with is checked on the way."""
    from rich.table import Table

    model = open_model(model_folder)
    facts = _facts(model)
    if as_json:
        print_json(facts)
        return
    sizes = facts["files"]
    table = Table(box=None, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("name", cell(model.name))
    table.add_row("folder", cell(model.folder))
    table.add_row("pictures", f"{model.image_size} x {model.image_size}")
    table.add_row("latents", f"{model.latent_size} numbers")
    mixture = facts["mixture"]
    table.add_row("priors", cell(", ".join(facts["priors"])))
    table.add_row("mixture", f"{mixture['components']} Gaussians over {mixture['dimensions']} dimensions")
    table.add_row("attributes", cell(", ".join(facts["attributes"]) or "none"))
    table.add_row("gallery", cell(", ".join(f"{count} {split}" for split, count in facts["gallery"].items())))
    # The whole of it is long and nested: --json has it.
    plain = {key: value for key, value in model.config.preset.items() if not isinstance(value, dict | list)}
    table.add_row("preset", cell(", ".join(f"{key} = {value}" for key, value in plain.items())))
    for i, (name, size) in enumerate(sizes.items()):
        table.add_row("" if i else "files", cell(f"{human(size):>10}  {name}"))
    table.add_row("", f"{human(sum(sizes.values())):>10}  together")
    console().print(table)


NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Its name on the Hugging Face Hub: user/model.", show_default=False)
]


@app.command()
def pull(
    name: NameArgument,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            parser=folder,
            help="The folder for it.",
            show_default="the name's last part",
        ),
    ] = None,
    revision: Annotated[
        str | None,
        typer.Option(metavar="COMMIT", help="A commit, a branch or a tag.", show_default="the latest commit"),
    ] = None,
) -> None:
    """Fetch a model of the Hugging Face Hub into a folder."""
    from minifaces.hub.client import check_name
    from minifaces.hub.models import pull as pull_

    place = output or folder(check_name(name, "model").partition("/")[2])
    commit = pull_(name, place, revision)
    say(f"{place}: the model {name} as of commit {commit}; try minifaces demo --model {place}")


@app.command()
def push(
    name: NameArgument,
    model_folder: Annotated[
        Path, typer.Option("--model", metavar="FOLDER", parser=named("--model"), help="The model's folder.")
    ],
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            parser=named("--report"),
            help="What `minifaces evaluate -o` wrote of it: its figures go into the model's card.",
            show_default=False,
        ),
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="A new repository is for you alone.")] = False,
) -> None:
    """Publish a model on the Hugging Face Hub.

    Log in first: `hf auth login`, or HF_TOKEN."""
    from minifaces.hub.models import push as push_

    commit = push_(model_folder, name, report / "report.json" if report else None, private)
    say(f'{name}: pushed as commit {commit}; minifaces.load("{name}", revision="{commit}") opens this very model')


def _facts(model: "Model") -> dict[str, Any]:
    splits = [entry.split for entry in model.gallery.entries]
    components, dimensions = model.mixture.means.shape
    return {
        "name": model.name,
        "folder": str(model.folder),
        "image_size": model.image_size,
        "latent_size": model.latent_size,
        "priors": list(model.priors),
        "mixture": {"components": components, "dimensions": dimensions, "threshold": model.mixture.threshold},
        "attributes": list(model.directions),
        "gallery": {split: splits.count(split) for split in dict.fromkeys(splits)},
        "preset": model.config.preset,
        "files": {path.name: path.stat().st_size for path in sorted(model.folder.iterdir()) if path.is_file()},
    }
