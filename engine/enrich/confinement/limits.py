"""What a process gives up before it reads what may be hostile: memory, files, other processes, the network.

On Linux a filter of system calls (seccomp) refuses what a reader of pictures has no use for; a process cannot take it
off again. Where there is none, as on other systems, the resource limits and the empty environment remain.
"""

import ctypes
import platform
import resource
import struct
import sys

_CALLS = {
    "x86_64": (
        0xC000003E,
        (41, 42, 43, 44, 46, 49, 50, 53, 288),  # sockets
        (56, 57, 58, 59, 322, 435, 62, 101, 200, 234, 310, 311, 424),  # processes, signals to them, their memory
        (129, 297, 302, 141, 142, 144, 203, 314, 434, 438, 440, 448),  # queued signals, limits, priorities, handles
        (82, 83, 84, 85, 86, 87, 88, 90, 92, 133, 161, 165, 257, 2, 437, 425, 321, 298, 272, 308),  # files, kernel
        (76, 94, 188, 189, 197, 198, 258, 259, 260, 261, 263, 264, 265, 266, 268, 280, 304, 316, 452),  # files
    ),
    "aarch64": (
        0xC00000B7,
        (198, 199, 200, 201, 203, 206, 211, 202, 242),
        (220, 221, 281, 435, 129, 130, 131, 117, 270, 271, 424),
        (138, 240, 261, 140, 118, 119, 122, 274, 434, 438, 440, 448),
        (33, 34, 35, 36, 37, 38, 51, 40, 56, 437, 425, 280, 241, 97, 268),
        (5, 6, 14, 15, 45, 53, 54, 88, 265, 276, 452),
    ),
}  # fmt: skip
"""By machine: how the kernel calls it, and numbers of system calls that are refused."""

_X32 = 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _FILTER = 1, 22, 38, 2
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | 1  # EPERM
_SIGKILL = 9
_CPU_S = 86_400


def confine(memory_mb: int) -> bool:
    """Give up what can be given up, for good. Returns whether system calls are filtered."""
    bounds = {
        resource.RLIMIT_AS: memory_mb << 20, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 16, resource.RLIMIT_CPU: _CPU_S,
    }  # fmt: skip
    for what, most in bounds.items():
        resource.setrlimit(what, (most, most))
    return sys.platform == "linux" and _filter_calls()


def end_with_parent() -> None:
    """This process is killed when the worker that has started it ends, in whatever way. On Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def _filter_calls() -> bool:
    known = _CALLS.get(platform.machine())
    if known is None:
        return False
    machine, *groups = known
    numbers = [number for group in groups for number in group]
    steps = [
        (_LOAD, 0, 0, 4),  # the machine
        (_EQUAL, 1, 0, machine),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),  # the number of the call
        (_AT_LEAST, len(numbers) + 1, 0, _X32),
        *((_EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    code = b"".join(struct.pack("=HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(buffer)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    return bool(libc.prctl(_PR_SET_SECCOMP, _FILTER, program, 0, 0) == 0)
