"""Signals and garbage collection wait while HDF5 is at work.

HDF5 calls our file object, and so Python: a handler that raises, or a collected object that
closes a dataset, would reach HDF5 in the middle of what it does.
"""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Those that programs set handlers for: to look at all of them would take as long as an append.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGALRM", "SIGUSR1", "SIGUSR2")
_SIGNALS = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]

_held = threading.local()  # per thread: whether it is inside already


@contextmanager
def held_back() -> Iterator[None]:
    """Python's signal handlers run, and garbage is collected, after the block instead of in it.

    Outside the main thread, where Python runs no handlers, only garbage collection waits.
    """
    if getattr(_held, "inside", False):
        yield
        return
    came: list[int] = []
    handlers = _set_aside(came) if threading.current_thread() is threading.main_thread() else {}
    collects = gc.isenabled()
    gc.disable()
    _held.inside = True
    try:
        yield
    finally:
        _held.inside = False
        if collects:
            gc.enable()
        for which, handler in handlers.items():
            signal.signal(which, handler)
        for number in dict.fromkeys(came):
            signal.raise_signal(number)


def _set_aside(came: list[int]) -> dict[signal.Signals, Any]:
    """Replace all handlers that are Python's by one that notes the signal."""
    handlers: dict[signal.Signals, Any] = {}
    for number in _SIGNALS:
        handler = signal.getsignal(number)
        if callable(handler) and not isinstance(handler, signal.Handlers):
            handlers[number] = handler
            signal.signal(number, lambda number, frame: came.append(number))
    return handlers
