"""Starting a program in the sandbox, at each level of isolation."""

from __future__ import annotations

import marshal
import os
import random
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from grader.errors import IsolationError
from grader.sandbox import command, partial, seccomp, tree
from grader.sandbox.child import Child, SupervisedChild
from grader.sandbox.ends import Ends
from grader.sandbox.files import FileCount, Folder
from grader.sandbox.forked import start_forked
from grader.sandbox.full import STARTER_PARENT, start_full, starter_command
from grader.sandbox.group import Group, new_group
from grader.sandbox.values import Level, Program
from grader.sandbox.workspace import Layout, make_parcel, memory_file
from grader.sandbox.zygote import Zygote

if TYPE_CHECKING:
    from grader.assignment import Limits

NOBODY = 65534
# Users that no system gives out: https://systemd.io/UIDS-GIDS
UNUSED_USERS = range(0x70000000, 0x7FFFFFFE)
MAPS = ("uid", "gid")


@contextmanager
def started(program: Program, level: Level, limits: Limits, zygote: Zygote | None = None) -> Iterator[Child]:
    """A child that runs `program` at `level`. When the block is left, nothing of it is, processes and files included.

    With a `zygote`, which must fit, it is a fork of that. Raises IsolationError where it cannot be started, and
    ZygoteError where it could be without the zygote.
    """
    user = _run_user()
    _require_files(program, for_others=user is not None and level != "none")
    if level == "full":
        own = _own_limits(limits, alone=_is_sole(user) or _counts_by_namespace(), user=user)
        with _grouped(limits) as group:
            if zygote is None:
                child: Child = start_full(program, limits, user, own, group)
            else:
                child = start_forked(zygote, program, limits, user, own, group)
            with _running(child):
                yield child
        return
    with partial.private_folder(program) as layout, _grouped(limits) as group:
        try:
            with _running(_start_supervised(program, limits, user, layout, group, level == "partial")) as child:
                yield child
        finally:
            if user is not None and _is_sole(user):
                partial.sweep(user)


@contextmanager
def _grouped(limits: Limits) -> Iterator[Group | None]:
    group = new_group(limits)
    try:
        yield group
    finally:
        if group is not None:
            group.kill()
            group.remove()


@contextmanager
def _running(child: Child) -> Iterator[Child]:
    try:
        yield child
    finally:
        try:
            child.reap()
        finally:
            child.close()


def _start_supervised(
    program: Program, limits: Limits, user: int | None, layout: Layout, group: Group | None, confined: bool
) -> Child:
    ends = Ends(orders=True)
    try:
        entrance = -1 if group is None else ends.inherit(group.entrance())
        descriptors = {"pipe": ends.evidence, "ready": ends.ready, "group": entrance}
        own = _own_limits(limits, alone=confined and _is_sole(user), user=user if confined else None)
        parcel = make_parcel(program, layout, own, descriptors, partial.data_links(program, layout))
        plan = {
            "uid": user if confined else None,
            "sole_user": _is_sole(user),
            "expose": [*command.source_paths(program), layout.home.rpartition("/")[0]],
            "home": layout.home,
            "control": ends.control,
            "ready": ends.ready,
            "parcel": ends.inherit(parcel),
            "rules": partial.rules(program, layout) if confined else None,
            "other_user_rules": partial.other_user_rules(_is_sole(user)),
            "seccomp": seccomp.program(network_namespace=False) if confined else None,
        }
        plan_file = ends.inherit(memory_file(marshal.dumps(plan)))
        process = ends.popen(starter_command(STARTER_PARENT, "supervise", plan_file))
    except BaseException:
        ends.pipes.close()
        raise
    finally:
        ends.release()
    folders: list[Folder] = [(layout.home.rpartition("/")[0], None)]
    if confined and _is_sole(user):
        folders.append((partial.SHARED_MEMORY, user))
    return SupervisedChild(process, ends.pipes, group, FileCount(folders, limits))


def _require_files(program: Program, for_others: bool) -> None:
    """Raises IsolationError where a file that the program is to be shown is missing, or closed to its user."""
    for path in command.program_paths(program):
        try:
            mode = os.stat(path).st_mode
        except OSError as error:
            raise IsolationError(f"the sandbox cannot be given this ({error.strerror})", file=path) from error
        if for_others and not mode & stat.S_IROTH:
            remedy = f"Make it readable: chmod -R o+rX {path}"
            raise IsolationError("only the grader's own user may read this", file=path, remedy=remedy)


def _run_user() -> int | None:
    """Who root becomes for one run; None where the grader is not root, or is in a namespace that has root alone."""
    if os.geteuid() != 0:
        return None
    users = (random.SystemRandom().choice(UNUSED_USERS), NOBODY)
    return next((user for user in users if all(_is_mapped(f"/proc/self/{kind}_map", user) for kind in MAPS)), None)


def _is_sole(user: int | None) -> bool:
    """Whether `user` is this run's alone."""
    return user is not None and user in UNUSED_USERS


def _own_limits(limits: Limits, *, alone: bool, user: int | None) -> dict[str, int]:
    """The limits that the child sets on itself. Where its user has other processes, the kernel counts those too."""
    others = 0 if alone else tree.tasks_of(os.geteuid() if user is None else user)
    return {"file_bytes": limits.file_bytes, "processes": limits.processes + others}


def _counts_by_namespace() -> bool:
    """Whether the kernel counts a user's processes for each user namespace by itself, as from Linux 5.14 on."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int(minor)) >= (5, 14)


def _is_mapped(table: str, number: int) -> bool:
    """Whether `number` exists in this user namespace: in a container there may be few."""
    with open(table, encoding="ascii") as stream:
        rows = [[int(word) for word in line.split()] for line in stream]
    return any(first <= number < first + count for first, _, count in rows)
