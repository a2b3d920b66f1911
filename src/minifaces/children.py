"""How a process behaves that works for another one.

ProcessPoolExecutor(4, get_context("spawn"), initializer=work_for_parent)"""

import multiprocessing
import os
import signal
import threading


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
