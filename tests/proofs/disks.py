"""A disk that fills up: the run says so in a clear line, and goes on when there is room again."""

import os
import shlex
import shutil
import subprocess
import sys
import uuid
from contextlib import contextmanager
from pathlib import Path

from proofs.bench import total, trainings_left


def disk_full(bench, number, rng):
    """Fills the disk (in round 1 it is full from the beginning), and then frees it again."""
    disk, expected = bench.output / "disk", bench.undisturbed()
    with mounted(disk):
        while True:
            folder = bench.fresh("disk/run")
            command, count = bench.command(folder), rng.randrange(expected.trainings)
            with bench.started(command) as process:
                if number > 1 and not bench.until_trained(process, folder, count):
                    continue
                fill(disk)
                status = process.wait()
            if status or number == 1:
                break
            (disk / "filling").unlink()  # it had written everything before
        errors = (bench.output / "stderr.txt").read_text().splitlines()
        said = says_how_to_go_on(errors, command) if number > 1 else len(errors) == 1
        snapshot = trainings_left(folder) if folder.exists() else {}
        (disk / "filling").unlink()
        row = {"stored": len(snapshot), "full_status": status, "said": int(said)}
        again = bench.resumed(command, folder, [snapshot])
    if not said:
        print("\n".join(errors), file=sys.stderr)
    held = again["held"] and said and status == (1 if number > 1 else 2)
    return {**row, **again, "held": int(held)}


def said_of_disk_full(rows):
    return (f"{total(rows, 'said')} with a clear line, {total(rows, 'identical')} identical, "
            f"{total(rows, 'repeated')} trainings repeated")


@contextmanager
def mounted(disk):
    """Mounts a small disk, in memory."""
    if os.path.ismount(disk):  # an interrupted soak left it
        subprocess.run(["umount", str(disk)], check=True)
    disk.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=True,
                   capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
        disk.rmdir()


def fill(disk):
    """Writes to a disk until there is no room."""
    with open(disk / "filling", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 12))
        except OSError:
            return


def says_how_to_go_on(errors, command):
    """Returns whether the last two lines are the reason and the command itself."""
    if len(errors) < 2 or any("Traceback" in line for line in errors):
        return False
    program, *arguments = shlex.split(errors[-1])
    return program == "python" and arguments == command[1:] and "room" in errors[-2]


def no_mount():
    """Returns why no disk can be mounted here, or "" if it can."""
    probe = Path(f"/tmp/soak-{uuid.uuid4().hex}")
    try:
        with mounted(probe):
            return ""
    except (OSError, subprocess.CalledProcessError):
        shutil.rmtree(probe, ignore_errors=True)
        return "a disk cannot be mounted here"
