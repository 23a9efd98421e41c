"""The memory that a worker process may use."""

import os
import sys


def memory_share(share: float) -> int | None:
    """Returns the bytes in a share of this machine's (or container's) memory.

    Args:
        share: In (0, 1].

    Returns:
        int, or None where the system does not tell how much memory there is.
    """
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(path) as file:
                total = min(total, int(file.read()))
        except (OSError, ValueError):
            continue
    return int(share * total)


def limit_memory(limit: int | None) -> None:
    """Makes this process's allocations beyond a limit fail; only on Linux.

    Args:
        limit: In bytes; None for no limit.
    """
    if limit is None or sys.platform != "linux":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
