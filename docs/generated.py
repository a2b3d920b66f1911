"""What the site takes from the code: the command line, the settings of training, and docstrings."""

import ast
import inspect
import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from minifaces.cli.main import app
from minifaces.ldraw.prints import load_prints
from minifaces.vae import config

_ROOT = Path(__file__).parents[1]


def command_line() -> str:
    """Every command with its arguments and options, as --help tells them."""
    root: Any = typer.main.get_command(app)
    return "".join(_command(root, "minifaces"))


def _command(command: Any, name: str) -> Iterator[str]:
    context = command.make_context(name, [], resilient_parsing=True)
    if hasattr(command, "commands"):
        for word, inner in command.commands.items():
            yield from _command(inner, f"{name} {word}")
        return
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"\n## {name}\n```text\n{name} {usage}\n```\n{_plain(command.help or '')}\n\n"
    rows = [_row(param, context) for param in command.get_params(context) if param.name != "help"]
    if rows:
        yield "| | |\n|---|---|\n" + "".join(rows)


def _row(param: Any, context: Any) -> str:
    names = [f"`{name}`" for name in (*param.opts, *param.secondary_opts)]
    if param.param_type_name == "argument":
        names = [f"`{param.metavar or param.name}`"]
    elif param.metavar:
        names[-1] = f"{names[-1][:-1]} {param.metavar}`"
    text = _plain(param.help or "")
    told = getattr(param, "show_default", None)
    default = told if isinstance(told, str) else param.get_default(context)
    if default is not None and not isinstance(default, bool | list | tuple) and default != "":
        text += f" Without it: {default}."
    return f"| {', '.join(names)} | {text} |\n".replace("FILE|", "FILE\\|")


def _plain(text: str) -> str:
    """Help without Rich's markup, and nothing in it that Markdown would obey."""
    text = re.sub(r"\[/?(?:bold|italic|dim|green|red)\]", "", inspect.cleandoc(text))
    return re.sub(r"([\\*_<>|#])", r"\\\1", text)


def settings() -> str:
    """Every setting of training with its default and its comment in vae/config.py, by group."""
    tree = ast.parse(source := inspect.getsource(config))
    lines = source.splitlines()
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    pages = []
    for name, field in config.Config.model_fields.items():
        kind = type(field.default)
        if kind.__name__ in classes and issubclass(kind, config.Strict):
            pages.append(_group(name, kind, classes[kind.__name__], lines))
    return "".join(pages)


def _group(group: str, kind: Any, node: ast.ClassDef, lines: list[str]) -> str:
    rows = []
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            name = line.target.id
            changes = {preset: _of(whole, group, name) for preset, whole in config.PRESETS.items()}
            comment = lines[(line.end_lineno or 1) - 1].partition("  # ")[2]
            shown = f"`{changes['default']}`"
            if changes["seed"] != changes["default"]:
                shown += f"; seed: `{changes['seed']}`"
            rows.append(f"| `{group}.{name}` | {shown} | {_plain(comment)} |\n")
    return f"\n## {group}\n{inspect.getdoc(kind)}\n\n| setting | default | |\n|---|---|---|\n{''.join(rows)}"


def _of(whole: config.Config, group: str, name: str) -> str:
    return str(getattr(getattr(whole, group), name)).replace("|", "\\|")


def authors() -> str:
    """The authors of the printed heads, and which are theirs."""
    heads: dict[str, set[str]] = {}
    for design in load_prints().designs:
        heads.setdefault(design.author, set()).add(design.part)
    rows = [f"| {author} | {len(theirs)} | {', '.join(sorted(theirs))} |\n" for author, theirs in sorted(heads.items())]
    return f"\n| author | heads | |\n|---|---|---|\n{''.join(rows)}"


def linked(text: str, page: str, repository: str) -> str:
    """Links out of docs/, which are right in the repository, made into links to the repository on the web."""
    folder = posixpath.dirname(f"docs/{page}")

    def target(match: re.Match[str]) -> str:
        path, _, anchor = match[2].partition("#")
        place = posixpath.normpath(posixpath.join(folder, path))
        if not path or ":" in path or place.startswith("docs/"):
            return match[0]
        kind = "tree" if (_ROOT / place).is_dir() else "blob"
        return f"{match[1]}{repository}/{kind}/main/{place}{'#' + anchor if anchor else ''}{match[3]}"

    return re.sub(r"(\]\()([^)\s]+)(\))", target, text)


def readable(_app: object, _what: str, _name: str, _object: object, _options: object, lines: list[str]) -> None:
    """A docstring as reStructuredText: its prose as it is, its examples as code."""
    text = re.sub(r"([*|_])(?=\s|$|[),.;])", r"\\\1", "\n".join(lines))
    blocks = re.split(r"\n\s*\n", text)
    shown = []
    for block in blocks:
        if re.match(r" {4}|(?:[\w, ]+ = )?[\w.]+\(|import |for ", block):
            code = [line if line.startswith("    ") else f"    {line}" for line in block.split("\n")]
            block = ".. code-block:: python\n\n" + "\n".join(code)
        shown.append(block)
    lines[:] = [*"\n\n".join(shown).split("\n"), ""]


_TYPES = {
    r"ndarray\[tuple\[Any, \.\.\.\], dtype\[uint8\]\]": "Pixels",
    r"ndarray\[tuple\[Any, \.\.\.\], dtype\[float32\]\]": "Latents",
    r"ndarray\[tuple\[Any, \.\.\.\], dtype\[float64\]\]": "Doubles",
    r"_Buffer \| _SupportsArray.*?complex \| bytes \| str\]": "ArrayLike",
    r"str \| os\.PathLike\[str\]|str \| PathLike\[str\]": "Path | str",
}


def named(_app: object, _what: str, _name: str, _object: object, _options: object, *signature: str | None) -> Any:
    """A signature with types called as the code calls them, not as they are spelled out."""
    shown = []
    for text in signature:
        for long, short in _TYPES.items():
            text = text and re.sub(long, short, text)
        shown.append(text)
    return tuple(shown)


PAGES: dict[str, Callable[[], str]] = {
    "reference/cli": command_line,
    "reference/settings": settings,
    "reference/licences": authors,
}
"""pages that end with what is generated"""
