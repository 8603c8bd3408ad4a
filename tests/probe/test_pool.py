"""The walk's threads: bounded, started when needed, and never in the way of the process's end."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from kamal_forward_check.probe.pool import Pool


def test_work_is_done_and_its_result_told() -> None:
    assert Pool(2).submit(lambda a, b: a + b, 1, 2).result(10) == 3


def test_what_work_raises_is_told_and_the_thread_goes_on() -> None:
    pool = Pool(1)
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 // 0).result(10)
    assert pool.submit(lambda: "on").result(10) == "on"


def test_as_many_as_its_size_work_at_once_and_no_more() -> None:
    pool, at_once, more = Pool(3), threading.Barrier(4), threading.Event()
    for _ in range(3):
        pool.submit(at_once.wait, 10)
    queued = pool.submit(more.set)
    assert not more.is_set()
    at_once.wait(10)  # three threads are here, or this fails
    queued.result(10)
    assert more.is_set()


def test_one_thread_is_enough_for_work_that_comes_one_by_one() -> None:
    pool = Pool(16)
    threads = {pool.submit(threading.get_ident).result(10) for _ in range(20)}
    assert len(threads) == 1


def test_a_thread_that_never_ends_does_not_hold_the_process_back() -> None:
    script = (
        "import threading\nfrom kamal_forward_check.probe.pool import Pool\n"
        "begun = threading.Event()\n"
        "Pool(1).submit(lambda: (begun.set(), threading.Event().wait()))\nbegun.wait()\nprint('end')"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=20)
    assert ran.stdout == "end\n"
