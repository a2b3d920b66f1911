"""Broken, odd and hostile pictures: 2,000 of them, made from pictures of every format that is read. Each is read or
refused in a line, by the library and by the server. benchmarks/fuzzed_pictures.py tries 100,000, and Pillow's own."""

import random
import sys
from pathlib import Path

import httpx
import pytest

from minifaces.cli.main import run
from minifaces.server.guards import Limits
from minifaces.studio.model import Model
from test_server import serving

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

from fuzzed_pictures import bombs, mutated, outcome, seeds

TRIED = 2000
TO_THE_SERVER = 150


def inputs(count: int) -> list[bytes]:
    draws, small = random.Random(0), seeds()
    return [mutated(draws.choice(small), small, draws) for _ in range(count)]


@pytest.mark.filterwarnings("ignore::minifaces.errors.MinifacesWarning")
def test_pictures_are_read_or_refused_in_a_line(tmp_path: Path) -> None:
    found = [outcome(data, tmp_path / "x.png") for data in [*seeds(), *bombs(), *inputs(TRIED)]]
    assert set(found) == {"read", "refused"}
    assert min(found.count("read"), found.count("refused")) > 300


def test_bombs_are_refused(tmp_path: Path) -> None:
    assert {outcome(bomb, tmp_path / "x.png") for bomb in bombs()} == {"refused"}


def test_the_server_encodes_or_refuses(tiny_model: Path) -> None:
    with serving(Model(tiny_model), Limits()) as client:
        answers = [client.post("/v1/encode", content=data) for data in [*bombs(), *inputs(TO_THE_SERVER)]]
        assert {answer.status_code for answer in answers} == {200, 400}
        assert all("\n" not in answer.json()["detail"] for answer in answers if answer.status_code == 400)
        assert client.get("/healthz").status_code == httpx.codes.OK


def test_the_command_line_tells_one_line_a_picture(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, data in enumerate([*bombs(), *inputs(60)]):
        path = tmp_path / f"{number}.png"
        path.write_bytes(data)
        code = run(["reconstruct", str(path), "-o", str(tmp_path / "out.png"), "--model", str(tiny_model)])
        lines = [line for line in capsys.readouterr().err.splitlines() if "warning" not in line]
        assert code in (0, 2)
        assert len(lines) == (code == 2)
