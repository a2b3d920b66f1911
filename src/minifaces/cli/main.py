"""`minifaces`: the command line's entry point.

Exit codes: 0 done, 1 failed underway, 2 asked for the impossible, 130 interrupted. An error is one line on
stderr; MINIFACES_DEBUG=1 shows where it came from."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from minifaces import MinifacesError, UsageError, __version__
from minifaces.cli import data, demo, evaluate, facemap, gallery, model, play, serve, site, train
from minifaces.cli.common import say
from minifaces.cli.help import Commands
from minifaces.cli.streams import ReaderGoneError, streams

_COMPLETE = "_MINIFACES_COMPLETE"  # what the scripts of --install-completion set

app = Commands(rich_markup_mode="rich", context_settings={"help_option_names": ["-h", "--help"]})
app.add_typer(demo.app)
app.add_typer(play.app)
app.add_typer(gallery.app)
app.add_typer(facemap.app)
app.add_typer(serve.app)
app.add_typer(site.app)
app.add_typer(train.app)
app.add_typer(evaluate.app)
app.add_typer(data.app, name="data")
app.add_typer(model.app, name="model")


def _version(wanted: bool) -> None:
    if wanted:
        say(f"minifaces {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _main(
    context: typer.Context,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Play with the faces of toy minifigures that a variational autoencoder has learned.

    A FACE is a name in the gallery (3626bp01/front), random:SEED, avatar:TEXT, or a picture file.
    Begin with minifaces demo."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (by default this process's) and return its exit code."""
    with streams():
        return _run(sys.argv[1:] if arguments is None else list(arguments))


def _run(arguments: list[str]) -> int:
    try:
        _invoke(arguments)
    except typer.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, typer.Abort):  # the latter while a question is asked
        return _fail("interrupted", 130)
    except ReaderGoneError:
        # Python would complain once more when it flushes on leaving.
        with suppress(OSError), Path(os.devnull).open("w") as nothing:
            os.dup2(nothing.fileno(), sys.stdout.fileno())
        return 141
    except UsageError as error:
        return _fail(str(error), 2)
    except MinifacesError as error:
        return _fail(str(error), 1)
    except typer.TyperException as error:
        return _fail(error.format_message() + _remedy(error), 2)
    except OSError as error:
        return _fail(f"{error.filename or 'the system'}: {error.strerror or error}", 1)
    except Exception as error:
        return _fail(f"unexpected {type(error).__name__}: {error} (MINIFACES_DEBUG=1 shows where)", 1)
    return 0


def _remedy(error: typer.TyperException) -> str:
    """For a word where a command takes none: which options name what."""
    context: typer.Context | None = getattr(error, "ctx", None)
    if context is None or "unexpected extra argument" not in error.format_message():
        return ""
    if any(parameter.param_type_name == "argument" for parameter in context.command.params):
        return ""
    named = {"--data": "pictures", "--model": "a model"}
    known = {name for parameter in context.command.params for name in parameter.opts}
    ways = [f"{what} with {option}" for option, what in named.items() if option in known]
    return f": name {' and '.join(ways)}" if ways else ""


def _invoke(arguments: list[str]) -> None:
    """Typer's own main() would print errors its way; this leaves them to `run`."""
    command = typer.main.get_command(app)
    if _COMPLETE in os.environ:  # a shell asks what may follow
        command.main(prog_name="minifaces", complete_var=_COMPLETE)
    with command.make_context("minifaces", arguments) as context:
        command.invoke(context)
    sys.stdout.flush()


def _fail(message: str, code: int) -> int:
    if os.environ.get("MINIFACES_DEBUG"):
        raise
    if message:  # a command group without a command has shown its help and has nothing to add
        lines = (line.strip() for line in message.split("\n"))
        say(f"minifaces: error: {' '.join(line for line in lines if line)}", err=True)
    return code


if __name__ == "__main__":
    sys.exit(run())
