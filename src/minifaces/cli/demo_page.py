"""The demo's page: one HTML file that needs nothing but the pictures beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import PurePath


@dataclass(frozen=True)
class Exhibit:
    """One thing on the page. `text` also tells those who cannot see the picture what it shows."""

    title: str
    text: str
    file: str
    wide: bool = False
    """whether it takes the page's whole width: strips, sheets and maps do"""


_CSS = """
:root { color-scheme: light dark;
  --ink: #1d1d1f; --soft: #62626a; --paper: #fbfaf7; --card: #fff; --line: #e4e1d8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececf0; --soft: #a3a3ad; --paper: #17171a; --card: #212126; --line: #35353c; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1rem 4rem;
  background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 .25rem; font-size: 2rem; }
h2 { margin: 0; font-size: 1.1rem; }
p { margin: .25rem 0 .75rem; color: var(--soft); max-width: 60ch; }
main { display: grid; gap: 1.25rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
figure { margin: 0; padding: 1rem; min-width: 0;
  background: var(--card); border: 1px solid var(--line); border-radius: .75rem; }
figure.wide { grid-column: 1 / -1; }
img, video { display: block; max-width: 100%; height: auto; margin: 0 auto; border-radius: .25rem; }
figure:not(.wide) :is(img, video) { width: 100%; max-width: 24rem; }
figure > code { display: block; margin-top: .75rem; padding: .5rem .75rem; overflow-x: auto;
  white-space: nowrap; background: var(--paper); border: 1px solid var(--line); border-radius: .4rem; }
code { font: .85rem ui-monospace, monospace; }
footer { margin-top: 2rem; color: var(--soft); font-size: .85rem; }
"""


def page(model: str, exhibits: Sequence[tuple[Exhibit, str]]) -> str:
    """The whole page as HTML: each exhibit with the command that makes it. Everything given is escaped."""
    figures = "\n".join(_figure(exhibit, command) for exhibit, command in exhibits)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>minifaces: {escape(model)}</title>
<style>{_CSS}</style>
</head>
<body>
<h1>minifaces</h1>
<p>What the model “{escape(model)}” does with the faces of toy minifigures. Below each picture is the
command that makes it, to be typed in this folder.</p>
<main>
{figures}
</main>
<footer>Made by <code>minifaces demo</code>.
LEGO is a trademark of the LEGO Group, which does not sponsor, authorise or endorse this project.</footer>
</body>
</html>
"""


def _figure(exhibit: Exhibit, command: str) -> str:
    source, text = escape(exhibit.file), escape(exhibit.text)
    if PurePath(exhibit.file).suffix == ".mp4":
        shown = f'<video src="{source}" autoplay loop muted playsinline controls aria-label="{text}"></video>'
    else:
        shown = f'<a href="{source}"><img src="{source}" alt="{text}" loading="lazy"></a>'
    wide = " class=wide" if exhibit.wide else ""
    return f"""<figure{wide}>
<h2>{escape(exhibit.title)}</h2>
<p>{text}</p>
{shown}
<code>{escape(command)}</code>
</figure>"""
