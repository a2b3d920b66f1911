"""The docs site builds without a warning, and its pages are what the code says."""

import subprocess
import sys
from pathlib import Path

import pytest

import minifaces
from minifaces.ldraw.prints import load_prints

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site. Warnings are errors: pages that nothing leads to, links and anchors that are not there."""
    folder = tmp_path_factory.mktemp("site")
    build = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-d",
        folder / "doctrees",
        ROOT / "docs",
        folder,
    ]
    made = subprocess.run(build, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return folder


def test_every_command_and_setting_is_told(site: Path) -> None:
    commands, settings = ((site / f"reference/{name}.html").read_text() for name in ("cli", "settings"))
    for command in ("demo", "sample", "data prepare", "model info", "serve"):
        assert f'id="minifaces-{command.replace(" ", "-")}"' in commands
    assert "--temperature" in commands
    assert "optimiser.ema" in settings


def test_the_model_s_methods_are_told(site: Path) -> None:
    page = (site / "reference/api.html").read_text()
    assert 'id="minifaces.Model.morph"' in page
    assert "dtype[" not in page, "a type is spelled out"


def test_what_the_site_shows_it_has(site: Path) -> None:
    """No page asks another host for a script, a style, a font or a picture."""
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for asked in ('<script src="http', 'rel="stylesheet" href="http', '<img src="http', 'src="//'):
            assert asked not in text, f"{page.name} has {asked}"


def test_who_is_to_be_credited_is(site: Path) -> None:
    page, notice = (site / "reference/licences.html").read_text(), " ".join((ROOT / "NOTICE").read_text().split())
    for design in load_prints().designs:
        assert design.author in page
        assert design.author in notice, f"{design.author}, {design.part}"


def test_a_release_has_one_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {minifaces.__version__}\n" in citation
    assert f"\n## {minifaces.__version__} (" in (ROOT / "CHANGELOG.md").read_text()
