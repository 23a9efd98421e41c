"""How commands end and print: broken pipes, characters that the output's encoding lacks."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes of a shell")

COMMAND = """
import sys
from deap_lossgp.commands import CommandParser, refused, resumable

def broken():
    raise BrokenPipeError(32, "Broken pipe")

parser = CommandParser("", prog="command")
with resumable(parser, []):
    match sys.argv[1]:
        case "prints":
            while True:
                print("a line")
        case "prepares":
            refused(parser, broken)
        case "trains":
            broken()
"""


def ended(what, *options):
    reader, writer = os.pipe()
    if what == "prints":
        os.close(reader)  # as if head had read enough
    process = subprocess.run([sys.executable, *options, "-c", COMMAND, what], stdout=writer,
                             stderr=subprocess.PIPE, text=True)
    os.close(writer)
    return process.returncode, process.stderr


@pytest.mark.parametrize("options", [[], ["-u"]])
def test_a_closed_output_ends_a_command_silently(options):
    assert ended("prints", *options) == (141, "")


def test_another_broken_pipe_is_an_error():
    assert ended("prepares") == (2, "command: error: [Errno 32] Broken pipe\n")
    status, errors = ended("trains")
    assert status == 1 and errors.startswith("command: error: [Errno 32] Broken pipe. What was ")


PRINTS = """
import sys
from deap_lossgp.commands import CommandParser, fail, piped

parser = CommandParser("Prints.")
with piped():
    print("猫: größe", chr(0xdcff))
    fail("command", chr(27) + "[31m 猫\\u202e" + chr(0xdcff))
"""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8", "utf-8:strict"])
def test_printing_never_fails(encoding):
    process = subprocess.run([sys.executable, "-c", PRINTS], capture_output=True, check=False,
                             env={**os.environ, "PYTHONIOENCODING": encoding})
    encoding = encoding.partition(":")[0]
    text = "猫: größe \udcff\n".encode(encoding, "backslashreplace")
    assert (process.returncode, process.stdout) == (2, text)
    text = "command: error: \\x1b[31m 猫\\u202e\\udcff\n".encode(encoding, "backslashreplace")
    assert process.stderr == text
