"""Processes that work for this one.

ProcessPoolExecutor(4, get_context("spawn"), initializer=work_for_parent)
made = apart(lay_out, faces)               # in a process that ends, and gives its memory back"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import ParamSpec, TypeVar, cast

from minifaces.errors import MinifacesError

P = ParamSpec("P")
Made = TypeVar("Made")


def work_for_parent() -> None:
    """Leave Ctrl-C, which reaches every process of a terminal, to the parent, and end when it does, however that is:
    the workers of one that was killed would wait for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def apart(work: Callable[P, Made], *arguments: P.args, **named: P.kwargs) -> Made:
    """What a function of a module makes, in a process of its own: whatever it loads is gone afterwards.

    Raises what it raises, and MinifacesError where the process is ended from outside."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_hand_over, args=(theirs, work, arguments, named), daemon=True)
    process.start()
    theirs.close()
    try:
        good, made = ours.recv()
    except EOFError:
        process.join()
        raise MinifacesError(
            f"a process of this one was ended (exit code {process.exitcode}): is memory short?"
        ) from None
    finally:
        process.terminate()  # one that is interrupted has nothing to finish
        process.join()
    if not good:
        raise made
    return cast(Made, made)


def _hand_over(
    pipe: Connection, work: Callable[..., object], arguments: tuple[object, ...], named: dict[str, object]
) -> None:
    work_for_parent()
    try:
        pipe.send((True, work(*arguments, **named)))
    except Exception as error:
        pipe.send((False, error))
