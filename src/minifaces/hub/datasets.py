"""Data sets as the Hub keeps them: parquet files by split, which `datasets.load_dataset` and the Hub's viewer read.

    write_parquet(Path("faces"), Path("out"))       # load_dataset("parquet", data_dir="out/data"), or "out"
    push(Path("faces"), "user/faces")
    write_map(Path("map.parquet"), thumbnails, places, rows)

A row holds the picture's file as it is and what metadata.csv says of it; columns of true and false become truths. Of a
map, faces at their places, a row also holds x and y, for Embedding Atlas."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from minifaces.arrays import Doubles, Pixels
from minifaces.errors import UsageError
from minifaces.files import atomic, is_empty, write_text
from minifaces.hub.client import check_name, library, publish
from minifaces.listing import SPLITS, list_dataset

CARD = "README.md"
_ROWS = 10_000  # a file
_GROUP = 100  # rows that are read at a time: the Hub's viewer wants few
_LEFT = ("file_name", "split")  # told by the picture and by the file
_NAMES = {"True": True, "true": True, "False": False, "false": False}


def write_parquet(source: Path, folder: Path, name: str = "") -> dict[str, int]:
    """Write a data set, or any folder of pictures, as parquet with a card into an empty folder; -> rows by split. Its
    `name` on the Hub is the folder's, as long as it has none.

    Raises UsageError for a `source` without pictures (`minifaces.listing.list_dataset`), a folder that is not empty,
    and where pyarrow is missing."""
    check_installed()
    if folder.is_dir() and not is_empty(folder):
        raise UsageError(f"{folder} is not empty: name another folder")
    listing = list_dataset(source)
    truths = _truths(listing.rows)
    columns = [name for name in dict.fromkeys(k for row in listing.rows for k in row) if name not in _LEFT]
    kinds = {name: "bool" if name in truths else "string" for name in columns}

    def table(group: Sequence[int]) -> dict[str, list[Any]]:
        pictures = [_picture(listing.paths[i]) for i in group]
        return {"image": pictures} | _columns([listing.rows[i] for i in group], columns, truths)

    places = {split: [i for i, row in enumerate(listing.rows) if row["split"] == split] for split in SPLITS}
    for split, rows in places.items():
        files = range(0, len(rows), _ROWS)
        for number, start in enumerate(files):
            path = folder / "data" / f"{split}-{number:05}-of-{len(files):05}.parquet"
            groups = _groups(rows[start : start + _ROWS])
            _write(path, kinds, (table(group) for group in groups))
    counts = {split: len(rows) for split, rows in places.items() if rows}
    write_text(folder / CARD, _card(name or source.resolve().name, counts))
    return counts


def write_map(path: Path, faces: Pixels, places: Doubles, rows: Sequence[Mapping[str, str]]) -> None:
    """Write faces (n, H, W, 3) uint8 at their places (n, 2), y downwards, with what `rows` say of each, as one parquet
    file of the columns image, x, y (upwards) and those of the rows.

    Raises UsageError where pyarrow is missing, MinifacesError where `path` cannot be written."""
    check_installed()
    from minifaces.pictures.portrait import png

    truths = _truths(rows)
    columns = [name for name in dict.fromkeys(k for row in rows for k in row) if name not in ("image", "x", "y")]
    kinds = {"x": "float64", "y": "float64"} | {name: "bool" if name in truths else "string" for name in columns}

    def table(group: Sequence[int]) -> dict[str, list[Any]]:
        pictures = [{"bytes": png(faces[i]), "path": f"{i}.png"} for i in group]
        at = {"x": [float(places[i, 0]) for i in group], "y": [-float(places[i, 1]) for i in group]}
        return {"image": pictures} | at | _columns([rows[i] for i in group], columns, truths)

    _write(path, kinds, (table(group) for group in _groups(range(len(rows)))))


def check_installed() -> None:
    """Raise UsageError where pyarrow is missing."""
    if find_spec("pyarrow") is None:
        raise UsageError("parquet needs pyarrow: pip install 'minifaces[hub]'")


def push(source: Path, name: str, private: bool = False) -> str:
    """Push a data set to the Hub as one commit, and make its repository if need be; -> the commit. A card that the
    repository has stays as it is."""
    library(name)
    check_name(name, "dataset")
    with tempfile.TemporaryDirectory() as place:
        staged = Path(place)
        write_parquet(source, staged, name)
        files = {file.relative_to(staged).as_posix(): file for file in staged.rglob("*") if file.is_file()}
        return publish(name, "dataset", files, _is_rows, "Faces, by minifaces", private, kept=CARD)


def _is_rows(place: str) -> bool:
    return place.startswith("data/") and place.endswith(".parquet")


def _truths(rows: Sequence[Mapping[str, str]]) -> set[str]:
    """The columns that hold nothing but true and false."""
    found: dict[str, bool] = {}
    for row in rows:
        for name, text in row.items():
            found[name] = found.get(name, True) and text in _NAMES
    return {name for name, only in found.items() if only}


def _write(path: Path, kinds: Mapping[str, str], tables: Iterable[Mapping[str, list[Any]]]) -> None:
    """A file of the column image and those of `kinds`, in groups of rows."""
    import pyarrow as pa
    from pyarrow import parquet

    types = {"bool": pa.bool_(), "string": pa.string(), "float64": pa.float64()}
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    features = {"image": {"_type": "Image"}} | {k: {"dtype": kind, "_type": "Value"} for k, kind in kinds.items()}
    # The library `datasets` and the Hub's viewer know a picture by this note.
    note = {"huggingface": json.dumps({"info": {"features": features}})}
    schema = pa.schema([("image", image), *((name, types[kind]) for name, kind in kinds.items())], metadata=note)
    with atomic(path) as scratch, parquet.ParquetWriter(scratch, schema) as file:
        for table in tables:
            file.write_table(pa.table(dict(table), schema))


def _columns(rows: Sequence[Mapping[str, str]], columns: Sequence[str], truths: set[str]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {name: [row.get(name) for row in rows] for name in columns}
    return found | {name: [_NAMES.get(text or "") for text in found[name]] for name in columns if name in truths}


def _groups(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    yield from (rows[start : start + _GROUP] for start in range(0, len(rows), _GROUP))


def _picture(path: Path) -> dict[str, Any]:
    try:
        return {"bytes": path.read_bytes(), "path": path.name}
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error


def _card(name: str, counts: Mapping[str, int]) -> str:
    files = "\n".join(f"  - split: {split}\n    path: data/{split}-*" for split in counts)
    told = ", ".join(f"{count:,} {split}" for split, count in counts.items())
    return f"""---
pretty_name: {json.dumps(name)}
task_categories: [unconditional-image-generation]
tags: [minifaces, minifigure, faces]
configs:
- config_name: default
  data_files:
{files}
---
# {name}

Pictures of faces, made or gathered by minifaces: {told}. Splits are by design, never by picture.

```python
from datasets import load_dataset

faces = load_dataset("{name}", split="train")
```
"""
