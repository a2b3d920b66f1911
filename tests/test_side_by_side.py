"""What benchmarks measure with: times and memory are those of the work alone, others' programs answer when asked."""

import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import shared  # noqa: E402

PROGRAM = f"""
import sys
sys.path.insert(0, {str(BENCHMARKS / "peers")!r})
import peer
print("a library's own line")
peer.main(None, lambda spec: {{"sum": (spec["rows"], lambda: sum(range(100_000)))}}, None, "Sums 1.0")
"""


def test_a_process_is_not_told_to_have_its_parents_memory() -> None:
    ballast = np.ones(200_000_000, np.uint8)
    _, _, megabytes = shared.whole_process([sys.executable, "-I", "-S", "-c", "pass"])
    assert len(ballast) / 1e6 > 2 * megabytes > 0


def test_a_command_that_fails_is_told() -> None:
    with pytest.raises(SystemExit, match="ended with 3"):
        shared.whole_process([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_peer_takes_turns_with_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sums.py").write_text(PROGRAM)
    monkeypatch.setattr(shared, "PEERS", tmp_path)
    peer = shared.Peer(sys.executable, "sums.py", {"rows": 7})
    assert (peer.versions, peer.works) == ("Sums 1.0", {"sum": 7})
    turns: list[str] = []
    works = {"ours": (1, shared.timed(lambda: turns.append("ours"))), "sum": (7, peer.work("sum"))}
    rates = shared.in_turns(works, rounds=3, least=0)
    peer.close()
    assert peer.process.returncode == 0
    assert len(turns) == 1 + 3  # one warms up
    assert all(len(found.wall) == len(found.core) == 3 and min(found.wall) > 0 for found in rates.values())
    shared.show(rates, "sum")
    assert "| sum | " in capsys.readouterr().out
