"""Trains in this process, or in several of this machine that share the rows of every step."""

import ctypes
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from openbezoar.errors import ModelError, OpenBezoarError
from openbezoar.training.adapters import device_for
from openbezoar.training.checkpoints import Progress
from openbezoar.training.loop import Course, train
from openbezoar.training.shortage import told_what_to_lower

__all__ = ["Load", "train_from"]

Load = Callable[[str], Any]
"""Opens the model with its adapter on a device; must survive pickling for several processes."""
GRACE = 5.0
"""Seconds to wait for the reason once the exchange between processes has broken."""


def train_from(load: Load, course: Course) -> tuple[Any, Progress]:
    """The trained model and how the training went.

    Several processes leave their result in the last checkpoint, from which this one goes on.
    """
    device = device_for(course.runtime.device)
    if course.runtime.processes > 1:
        with TemporaryDirectory() as folder:
            threads = max(1, torch.get_num_threads() // course.runtime.processes)
            meeting = Path(folder) / "meeting"
            silent = replace(course, say=_unheard, progress=_unheard)
            with _children(_Job(load, silent, device, meeting, threads, os.getpid())) as children:
                _follow(children, course)
    with told_what_to_lower(course.settings, course.runtime):
        model = load(device)
    return model, train(model, course)


@dataclass(frozen=True)
class _Job:
    """What every process is given."""

    load: Load
    course: Course
    device: str
    meeting: Path
    """The file through which they find one another."""
    threads: int
    parent: int


_Children = dict[Connection, BaseProcess]
"""The processes, by where they are heard; in the order of their ranks."""


@contextmanager
def _children(job: _Job) -> Iterator[_Children]:
    """Start the processes; none outlives the context, or this process."""
    context = multiprocessing.get_context("spawn")
    children: _Children = {}
    try:
        for rank in range(job.course.runtime.processes):
            heard, told = context.Pipe(duplex=False)
            process: BaseProcess = context.Process(
                target=_work, args=(job, rank, told), daemon=True
            )
            process.start()
            told.close()  # else its end would never be seen
            children[heard] = process
        yield children
    finally:
        for process in children.values():
            process.kill()
            process.join()


def _follow(children: _Children, course: Course) -> None:
    """Pass on what they tell until all are done; raise the first reason why one is not."""
    open_ = dict(children)
    ranks = {heard: rank for rank, heard in enumerate(children)}
    failed: ModelError | None = None
    while open_:
        ready = wait(list(open_), GRACE if failed else None)
        if not ready:
            break
        for heard in ready:
            assert isinstance(heard, Connection)  # noqa: S101 - no other kind is waited for
            try:
                failed = _pass_on(heard.recv(), course) or failed
            except (EOFError, OSError):
                failed = _ended(open_.pop(heard), ranks[heard]) or failed
    if failed:
        raise failed


def _pass_on(word: tuple[str, Any], course: Course) -> ModelError | None:
    kind, content = word
    if kind == "failed":
        raise content
    if kind == "broken":
        failed = ModelError(f"training together broke off: {content.splitlines()[-1]}; {_AGAIN}")
        failed.__cause__ = RuntimeError(content)
        return failed
    tell: Callable[..., None] = course.say if kind == "say" else course.progress
    tell(*content)
    return None


def _ended(process: BaseProcess, rank: int) -> ModelError | None:
    """Why a process is no longer heard; a killed one is the reason for what befell the others."""
    process.join()
    code = process.exitcode or 0
    if code < 0:
        raise ModelError(
            f"training process {rank} was killed ({signal.Signals(-code).name}), which happens "
            f"when memory runs out; {_AGAIN}"
        )
    if code > 0:
        return ModelError(f"training process {rank} ended with code {code}; {_AGAIN}")
    return None


_AGAIN = "the same command continues from the last checkpoint"


def _work(job: _Job, rank: int, told: Connection) -> None:
    """The life of one process."""
    _never_outlive(job.parent)
    os.dup2(2, 1)  # what libraries print is no data
    try:
        _train_together(job, rank, told)
    except OpenBezoarError as error:
        told.send(("failed", error))
        sys.exit(1)
    except RuntimeError:  # another process is gone, and with it the exchange
        told.send(("broken", traceback.format_exc()))
        sys.exit(1)


def _train_together(job: _Job, rank: int, told: Connection) -> None:
    processes = job.course.runtime.processes
    _introduce(rank, processes, job.threads)
    on_gpu = job.device == "cuda"
    device = f"cuda:{rank}" if on_gpu else job.device
    if on_gpu:
        torch.cuda.set_device(rank)
    torch.distributed.init_process_group(
        "nccl" if on_gpu else "gloo",
        init_method=job.meeting.as_uri(),
        rank=rank,
        world_size=processes,
    )
    course = job.course
    if rank == 0:
        course = replace(
            course,
            say=lambda text: told.send(("say", (text,))),
            progress=lambda *how: told.send(("progress", how)),
        )
    with told_what_to_lower(course.settings, course.runtime):
        model = job.load(device)
    train(model, course)
    torch.distributed.destroy_process_group()


def _introduce(rank: int, processes: int, threads: int) -> None:
    """Tell accelerate, torch and gloo what they would otherwise ask a launcher."""
    told = {"RANK": rank, "LOCAL_RANK": rank, "OMP_NUM_THREADS": threads}
    told |= {"WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes}
    os.environ.update({name: str(value) for name, value in told.items()})
    if sys.platform == "linux":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.set_num_threads(threads)


def _never_outlive(parent: int) -> None:
    """Ask the kernel (PR_SET_PDEATHSIG) to kill this process with its parent; Ctrl-C is for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(1)


def _unheard(*words: object) -> None:
    """Said where nobody listens."""
