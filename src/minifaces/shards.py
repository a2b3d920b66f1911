"""Data sets in parquet files (shards), as the Hugging Face Hub keeps them: read a little at a time, shuffled.

    shards = list_shards(Path("faces-parquet"))["train"]
    faces = Shards(shards, size=64).take(seed=0, places=np.arange(32))

A pass over the rows goes by windows. The shards' row groups come in an order that the seed and the number of the pass
give; as many of them as fit into `WINDOW` bytes are a window, whose rows come in an order of its own. So which picture
is in which place follows from the seed alone, any place can be asked for at any time, and no more than a window is
kept: pictures as they are stored, decoded when they are asked for."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minifaces.arrays import Pixels, Places
from minifaces.dataset import DataSet
from minifaces.errors import UsageError
from minifaces.files import shown
from minifaces.images import READABLE, decode_picture, square
from minifaces.listing import split_called
from minifaces.metadata import NAMES, plain

WINDOW = 128_000_000
"""Bytes of pictures, as they are stored, that are kept; a larger row group is a window of its own."""
_NUMBERED = re.compile(r"-\d+-of-(\d+)$")


class Layout(NamedTuple):
    """Which columns of a parquet file tell what."""

    pictures: str
    """bytes, or structures with `bytes` in them (Hugging Face's Image feature)"""
    others: list[str]
    """words, numbers, truths"""
    labels: dict[str, list[str]]
    """the words behind the numbers of class labels, which the Hub keeps in the schema's metadata"""

    def told(self, row: Mapping[str, Any]) -> dict[str, str]:
        """What a row says of its picture."""
        known = {k: row[k] for k in self.labels if isinstance(row.get(k), int)}
        words = {k: self.labels[k][value] for k, value in known.items() if 0 <= value < len(self.labels[k])}
        return plain({**{k: row[k] for k in self.others}, **{k: str(word) for k, word in words.items()}})


def layout_of(schema: Any) -> Layout | None:
    """The layout of a file with this (pyarrow) schema; None where it has no column of pictures."""
    import pyarrow.types as types

    def holds_bytes(kind: Any) -> bool:
        return bool(types.is_binary(kind) or types.is_large_binary(kind))

    for f in schema:
        inside = {part.name: part.type for part in f.type} if types.is_struct(f.type) else {}
        if holds_bytes(inside.get("bytes", f.type)):
            others = [other.name for other in schema if other.name != f.name and _is_plain(other.type)]
            return Layout(str(f.name), others, _class_labels(schema))
    return None


def pyarrow_parquet() -> Any:
    """The module pyarrow.parquet. Raises UsageError where it is not installed."""
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise UsageError("reading parquet needs pyarrow: pip install 'minifaces[photos]'") from None
    return parquet


def list_shards(folder: Path) -> dict[str, list[Path]]:
    """The parquet files in a folder and in the folders in it, by split; none where there are pictures or their
    metadata, too, since it is a folder of pictures then.

    The split is what a file or its folder is called up to a dash or a dot: `train-00000-of-00008.parquet`,
    `validation/0.parquet`; train where that tells nothing.
    Raises UsageError for a numbered set of which some are missing."""
    files = [file for pattern in ("*", "*/*") for file in sorted(folder.glob(pattern)) if not file.name.startswith(".")]
    if any(file.suffix.lower() in READABLE or file.name.lower() in NAMES for file in files):
        return {}
    shards: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        if file.suffix.lower() == ".parquet":
            inside = file.relative_to(folder)
            names = (re.split(r"[-.]", part)[0] for part in (*inside.parts[:-1], inside.name))
            shards[next(filter(None, map(split_called, names)), "train")].append(file)
    for split, found in shards.items():
        sets = Counter((file.parent, m[1]) for file in found if (m := _NUMBERED.search(file.stem)))
        for (place, total), count in sets.items():
            if count != int(total):
                raise UsageError(f"{place} has {count} of the {int(total)} {split} shards: fetch or write them again")
    return dict(shards)


class Group(NamedTuple):
    """Some rows of a shard that are read at a time."""

    path: Path
    layout: Layout
    number: int
    first: int
    """row of the shard"""
    rows: int

    def read(self, columns: Sequence[str]) -> Any:
        """Columns of it, a pyarrow table. Raises UsageError where the shard is damaged."""
        try:
            with pyarrow_parquet().ParquetFile(self.path) as file:
                return file.read_row_group(self.number, columns=list(columns))
        except (OSError, ValueError, MemoryError, NotImplementedError) as error:
            raise _damaged(self.path, error) from error

    def stored(self) -> Any:
        """The bytes of its pictures, a pyarrow array."""
        import pyarrow.types as types

        values = self.read([self.layout.pictures]).column(0).combine_chunks()
        if not types.is_struct(values.type):
            return values
        return values.flatten()[values.type.get_field_index("bytes")]


class Shards:
    """The pictures of one split's shards, one or more, each fitted into `size` x `size` pixels."""

    def __init__(self, paths: Sequence[Path], size: int) -> None:
        """Reads what each file says of its row groups. Raises UsageError for one that is damaged or has no pictures."""
        self.paths, self.size = tuple(paths), size
        self._groups: list[Group] = []
        largest = 1
        for path in self.paths:
            layout, sizes = _inspected(path)
            first = 0
            for number, (rows, stored) in enumerate(sizes):
                self._groups.append(Group(path, layout, number, first, rows))
                first, largest = first + rows, max(largest, stored)
        self._rows = np.array([group.rows for group in self._groups], np.int64)
        self.rows = int(self._rows.sum())
        self._wide = max(1, WINDOW // largest)  # row groups a window
        self._window: tuple[tuple[int, int, int], _Window] | None = None

    def take(self, seed: int, places: Places) -> Pixels:
        """(n, size, size, 3) uint8: what is in the places (n,), from 0 on, of endless passes, each of all `rows` in an
        order of its own. Raises UsageError for a picture or a shard that is damaged."""
        faces = np.empty((len(places), self.size, self.size, 3), np.uint8)
        passes, within = np.divmod(places, self.rows)
        for number in np.unique(passes):
            starts = self._order(seed, int(number))[1]
            window = np.searchsorted(starts, within, "right") - 1
            for which in np.unique(window[passes == number]):
                here = np.flatnonzero((passes == number) & (window == which))
                kept = self._loaded(seed, int(number), int(which))
                for i in here:
                    faces[i] = self._decoded(*kept.row(int(within[i] - starts[which])))
        return faces

    def first(self, count: int) -> DataSet:
        """The first pictures as they lie in the shards, at most `count`, with what is told of them; splits aside."""
        found = [row for row, _ in zip(self._all(), range(count), strict=False)]
        pictures = [self._decoded(data, name) for data, name, _ in found]
        faces = np.stack(pictures) if pictures else np.empty((0, self.size, self.size, 3), np.uint8)
        return DataSet(faces, tuple(row for _, _, row in found))

    def _all(self) -> Iterator[tuple[bytes | None, str, dict[str, str]]]:
        """Of every row the picture's bytes, its name in an error, and what is told of it."""
        for group in self._groups:
            layout = group.layout
            for number, row in enumerate(group.read([layout.pictures, *layout.others]).to_pylist(), group.first):
                value, name = row[layout.pictures], f"{shown(group.path.name)}!{number}"
                data, stem = (value.get("bytes"), value.get("path")) if isinstance(value, dict) else (value, None)
                told = layout.told(row)
                design = told.get("design") or (Path(stem).stem if stem else name)
                yield data, f"{group.path}, row {number},", {**told, "file_name": name, "design": design}

    def _decoded(self, data: bytes | None, name: str) -> Pixels:
        if data is None:
            raise UsageError(
                f"{name} holds no bytes, only a path or nothing: save the data set with its pictures in it"
            )
        return square(decode_picture(data, name).picture, self.size)

    @lru_cache(maxsize=2)  # noqa: B019 - a source lives as long as its run
    def _order(self, seed: int, number: int) -> tuple[Places, Places]:
        """The order of the row groups in a pass, and where in it each window begins."""
        order = np.random.default_rng([seed, number]).permutation(len(self._rows))
        begins = np.concatenate([[0], np.cumsum(self._rows[order])])
        return order, begins[: -1 : self._wide]

    def _loaded(self, seed: int, number: int, which: int) -> "_Window":
        key = (seed, number, which)
        if self._window is None or self._window[0] != key:
            self._window = None  # before the next one is read: two would be twice the memory
            groups = self._order(seed, number)[0][which * self._wide : (which + 1) * self._wide]
            rng = np.random.default_rng([seed, number, which + 1])
            self._window = (key, _Window([self._groups[g] for g in groups], rng))
        return self._window[1]


class _Window:
    """The pictures of some row groups as they are stored, in a random order."""

    def __init__(self, groups: Sequence[Group], rng: np.random.Generator) -> None:
        self._groups = groups
        self._parts = [group.stored() for group in groups]
        self._begins = np.cumsum([0, *map(len, self._parts)])
        self._order = rng.permutation(self._begins[-1])

    def row(self, place: int) -> tuple[bytes | None, str]:
        """The bytes in a place, and the picture's name in an error."""
        row = int(self._order[place])
        part = int(np.searchsorted(self._begins, row, "right")) - 1
        within, group = row - int(self._begins[part]), self._groups[part]
        return self._parts[part][within].as_py(), f"{group.path}, row {group.first + within},"


def _inspected(path: Path) -> tuple[Layout, list[tuple[int, int]]]:
    """The layout of a shard, and of each row group its rows and the bytes of its pictures."""
    parquet = pyarrow_parquet()
    try:
        with parquet.ParquetFile(path) as file:
            layout = layout_of(file.schema_arrow)
            if layout is None:
                raise UsageError(f"{path} has no column of pictures (bytes, or structures with bytes in them)")
            sizes = []
            for number in range(file.metadata.num_row_groups):
                group = file.metadata.row_group(number)
                columns = (group.column(i) for i in range(group.num_columns))
                stored = (
                    c.total_uncompressed_size for c in columns if c.path_in_schema.split(".")[0] == layout.pictures
                )
                sizes.append((group.num_rows, sum(stored)))
            return layout, sizes
    except (OSError, ValueError, MemoryError, NotImplementedError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: BaseException) -> UsageError:
    return UsageError(f"{path} is a damaged parquet file ({line_of(error)}): fetch or write it again")


def line_of(error: BaseException) -> str:
    """What an error says, in a line."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _is_plain(kind: Any) -> bool:
    import pyarrow.types as types

    if types.is_dictionary(kind):  # categories of pandas
        kind = kind.value_type
    tests = (types.is_string, types.is_large_string, types.is_integer, types.is_floating, types.is_boolean)
    return any(test(kind) for test in tests)


def _class_labels(schema: Any) -> dict[str, list[str]]:
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        labels = {k: v["names"] for k, v in features.items() if v.get("_type") == "ClassLabel"}
    except (KeyError, TypeError, AttributeError, ValueError):
        return {}
    return {k: names for k, names in labels.items() if isinstance(names, list)}
