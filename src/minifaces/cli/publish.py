"""`minifaces data parquet` and `push`: a data set for the Hugging Face Hub, and on it."""

from pathlib import Path
from typing import Annotated

import typer

from minifaces.cli.common import say
from minifaces.cli.help import Commands
from minifaces.cli.pathnames import folder, named

app = Commands()

_PANEL = "Publish"
DataArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DATA", parser=named("DATA"), help="A data set or any folder of pictures.", show_default=False
    ),
]


@app.command(rich_help_panel=_PANEL)
def parquet(
    data: DataArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", parser=folder, help="An empty folder for it.")
    ] = Path("parquet"),
) -> None:
    """Write a data set as parquet, a file a split.

    datasets.load_dataset reads it, and `data prepare` does."""
    from minifaces.hub.datasets import write_parquet

    counts = write_parquet(data, output)
    say(f"{output}: {', '.join(f'{count} {split}' for split, count in counts.items())}")


@app.command(rich_help_panel=_PANEL)
def push(
    data: DataArgument,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Its name on the Hugging Face Hub: user/dataset.", show_default=False)
    ],
    private: Annotated[bool, typer.Option("--private", help="A new repository is for you alone.")] = False,
) -> None:
    """Publish a data set on the Hugging Face Hub, as parquet.

    Log in first: `hf auth login`, or HF_TOKEN. Publish only what you may."""
    from minifaces.hub.datasets import push as push_

    commit = push_(data, name, private)
    say(f'{name}: pushed as commit {commit}; datasets.load_dataset("{name}", revision="{commit}") reads it')
