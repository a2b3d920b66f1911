"""Models and data sets go to the Hub and come back, as far as a Hub on loopback can tell, by the real library."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from pyarrow import parquet

import minifaces
from conftest import write_config
from hub_fake import TOKEN, Hub, hub
from minifaces import UsageError
from minifaces.cli.main import run
from minifaces.dataset import write_dataset
from minifaces.hub.client import is_name

REPORT = {
    "facts": {"model": "tiny", "data": "composed faces of the test split"},
    "parts": {
        "reconstruction": {
            "faces of unseen designs": {
                "tiny": {"PSNR": {"value": 31.4159, "low": 30.0, "high": 32.0}, "faces": 40},
                "bare head": {"PSNR": {"value": 19.0, "low": 18.0, "high": 20.0}},
            }
        },
        "random": {"random faces": {"tiny: mixture": {"FD-lite0": {"value": 99.0, "low": 90.0, "high": 110.0}}}},
    },
}


@pytest.fixture
def there() -> Iterator[Hub]:
    with hub() as server:
        yield server


class User:
    """Someone at a command line, whose Hub is on loopback. The library reads its settings when it is imported: a
    process each time."""

    def __init__(self, server: Hub, home: Path) -> None:
        self.home = home
        self.settings = {"HF_ENDPOINT": server.address, "HF_HOME": str(home / "hf"), "HF_TOKEN": TOKEN}
        home.mkdir(exist_ok=True)

    def run(self, *words: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        return self.python("from minifaces.cli.main import run; sys.exit(run())", *words, **settings)

    def python(self, code: str, *words: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.settings, **settings}
        command = [sys.executable, "-c", f"import sys; {code}", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, cwd=self.home, env=environment, check=False)


@pytest.fixture
def user(there: Hub, tmp_path: Path) -> User:
    return User(there, tmp_path / "home")


OPEN = "import minifaces; m = minifaces.load('me/faces'{}); print(m.name, m.folder.name)"


def test_a_model_is_pushed_opened_and_pulled(there: Hub, user: User, copy: Path, tmp_path: Path) -> None:
    (copy / "README.md").write_text('---\nlicense: mit\n---\n# tiny\nminifaces.load("path/to/this/folder")\n')
    write_config(copy)
    (tmp_path / "report").mkdir()
    (tmp_path / "report/report.json").write_text(json.dumps(REPORT))
    pushed = user.run("model", "push", "me/faces", "--model", copy, "--report", tmp_path / "report")
    assert pushed.returncode == 0, pushed.stderr
    commit, files = there.repos["models/me/faces"][-1]
    assert f'minifaces.load("me/faces", revision="{commit}")' in pushed.stdout

    card = files["README.md"].decode()
    head = yaml.safe_load(card.split("---")[1])
    metrics = [metric for result in head["model-index"][0]["results"] for metric in result["metrics"]]
    assert (head["license"], head["library_name"]) == ("mit", "minifaces")
    assert {metric["type"]: metric["value"] for metric in metrics} == {"psnr": 31.4159, "fd_lite0": 99.0}
    assert "| reconstruction | PSNR | 31.42 | 30 to 32 |" in card
    assert 'minifaces.load("me/faces")' in card

    opened = user.python(OPEN.format(""))
    assert opened.stdout.split() == ["tiny", commit], opened.stderr
    pulled = user.run("model", "pull", "me/faces", "-o", tmp_path / "pulled")
    assert pulled.returncode == 0, pulled.stderr
    model = minifaces.load(tmp_path / "pulled")
    assert np.array_equal(model.sample(2, seed=1), minifaces.load(copy).sample(2, seed=1))
    assert {file.name for file in (tmp_path / "pulled").iterdir()} == files.keys() - {".gitattributes"}


def test_a_revision_is_a_commit_for_good(there: Hub, user: User, copy: Path) -> None:
    assert user.run("model", "push", "me/faces", "--model", copy).returncode == 0
    first, files = there.repos["models/me/faces"][-1]
    config = json.loads(files["config.json"])
    newer = there.commit("models/me/faces", {**files, "config.json": json.dumps({**config, "name": "new"}).encode()})
    assert user.python(OPEN.format("")).stdout.split() == ["new", newer]
    assert user.python(OPEN.format(f", revision='{first}'")).stdout.split() == ["tiny", first]
    missing = user.run("model", "pull", "me/faces", "--revision", "0" * 40, "-o", "x")
    assert missing.returncode == 2
    assert "no such revision" in missing.stderr


def test_offline_what_is_there_opens_and_nothing_is_asked(there: Hub, user: User, copy: Path) -> None:
    assert user.run("model", "push", "me/faces", "--model", copy).returncode == 0
    online = user.python(OPEN.format(""))
    there.asked.clear()
    offline = user.python(OPEN.format(""), HF_HUB_OFFLINE="1")
    assert offline.stdout == online.stdout != ""
    other = user.run("model", "pull", "me/other", HF_HUB_OFFLINE="1")
    assert (other.returncode, other.stderr.count("\n")) == (1, 1)
    assert "me/other is not on this machine, and HF_HUB_OFFLINE forbids to fetch it" in other.stderr
    assert there.asked == []


def test_what_goes_wrong_is_one_line(there: Hub, user: User, copy: Path, tmp_path: Path) -> None:
    (tmp_path / "of-another").mkdir()
    report = {**REPORT, "facts": {"model": "other"}}
    (tmp_path / "of-another/report.json").write_text(json.dumps(report))
    for words, told, settings in (
        (("model", "pull", "me/nothing"), "there is no model me/nothing on the Hub", {}),
        (("model", "pull", "nothing"), "nothing is no model on the Hugging Face Hub: name it as user/model", {}),
        (("model", "push", "me/faces", "--model", copy), "the Hub refuses me/faces", {"HF_TOKEN": "hf_bad"}),
        (("model", "push", "me/faces", "--model", copy, "--report", tmp_path / "of-another"), "not of tiny", {}),
        (("model", "pull", "me/x"), "could not be reached", {"HF_ENDPOINT": "http://127.0.0.1:9"}),
    ):
        done = user.run(*words, **settings)
        assert done.returncode in (1, 2), done.stdout
        assert told in done.stderr
        assert done.stderr.strip().count("\n") == 0, done.stderr
    assert not there.repos


def test_a_second_push_takes_away_what_the_model_has_no_more(there: Hub, user: User, copy: Path) -> None:
    there.commit("models/me/faces", {"flow.safetensors": b"old", "notes.md": b"mine", ".gitattributes": b""})
    pushed = user.run("model", "push", "me/faces", "--model", copy)
    assert pushed.returncode == 0, pushed.stderr
    files = there.repos["models/me/faces"][-1][1]
    assert "flow.safetensors" not in files
    assert files["notes.md"] == b"mine"


def test_a_data_set_is_pushed_as_parquet(there: Hub, user: User, tmp_path: Path) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), np.uint8)
    rows = [
        {"design": f"d{i}/front", "split": ("train", "test")[i % 2], "smile": ("true", "")[i // 4]} for i in range(6)
    ]
    write_dataset(tmp_path / "faces", zip(faces, rows, strict=True))
    pushed = user.run("data", "push", tmp_path / "faces", "me/set", "--private")
    assert pushed.returncode == 0, pushed.stderr
    files = there.repos["datasets/me/set"][-1][1]
    assert "datasets/me/set" in there.private
    names = [f"data/{split}-00000-of-00001.parquet" for split in ("train", "test")]
    assert set(files) == {*names, "README.md", ".gitattributes"}
    table = parquet.read_table(io.BytesIO(files[names[1]]))
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features["image"] == {"_type": "Image"}
    assert features["smile"] == {"dtype": "bool", "_type": "Value"}
    read = table.to_pylist()
    assert [row["smile"] for row in read] == [True, True, None]
    assert [row["design"] for row in read] == ["d1/front", "d3/front", "d5/front"]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(read[0]["image"]["bytes"]))), faces[1])
    splits = yaml.safe_load(files["README.md"].decode().split("---")[1])["configs"][0]["data_files"]
    assert [(s["split"], s["path"]) for s in splits] == [("train", "data/train-*"), ("test", "data/test-*")]


def test_a_site_is_a_static_space(tmp_path: Path, tiny_model: Path) -> None:
    title = 'Faces: "new" ones'
    assert run(["export-site", "-o", str(tmp_path / "space"), "--space", title, "--model", str(tiny_model)]) == 0
    head = yaml.safe_load((tmp_path / "space/README.md").read_text(encoding="utf-8").split("---")[1])
    assert (head["title"], head["sdk"]) == (title, "static")
    assert (tmp_path / "space" / head["app_file"]).is_file()
    assert run(["export-site", "-o", str(tmp_path / "space"), "--model", str(tiny_model)]) == 0
    assert not (tmp_path / "space/README.md").exists()


@pytest.mark.parametrize(
    ("text", "whether"),
    [("user/model", True), ("user", False), ("a/b/c", False), ("./model", False), ("/model", False), ("a\\b/c", False)],
)
def test_what_may_be_on_the_hub(text: str, whether: bool) -> None:
    assert is_name(text) == whether


def test_a_folder_comes_before_the_hub(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy.parent.parent)
    name = f"{copy.parent.name}/{copy.name}"
    monkeypatch.setattr("minifaces.hub.models.fetch", lambda *_: pytest.fail("the Hub was asked"))
    assert minifaces.load(name).name == "tiny"
    with pytest.raises(UsageError, match="there is no model folder"):
        minifaces.load(f"{copy.parent.name}/missing")
    with pytest.raises(UsageError, match="have revisions"):
        minifaces.load(name, revision="main")


def test_without_the_library_its_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minifaces.hub.client.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'minifaces\[hub\]'"):
        minifaces.load("user/model")


def test_nothing_of_the_hub_is_imported_unasked() -> None:
    code = "import minifaces, sys, minifaces.cli.main; minifaces.load(); print('huggingface_hub' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
