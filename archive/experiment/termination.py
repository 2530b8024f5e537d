"""SIGTERM, which schedulers send before they kill: a run can still note that it was interrupted."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType


def exit_on_sigterm() -> Callable[[], None]:
    """Let SIGTERM raise SystemExit in the main thread; returns what ends that.

    A handler that the program has set for itself stays; other threads cannot set any.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return lambda: None
    signal.signal(signal.SIGTERM, _exit)
    return _restore


def _exit(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)  # as a shell would report the signal


def _restore() -> None:
    if signal.getsignal(signal.SIGTERM) is _exit:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
