"""What setup.cfg cannot say: the description for a package index is README.rst, made fit for it."""

import re
from pathlib import Path

from setuptools import setup


def description():
    """Returns README.rst without pictures, and with the paths of other files for links to them."""
    text = Path(__file__).with_name("README.rst").read_text("utf-8")
    text = re.sub(r"^\.\. image:: (?!https).*\n(?: +\S.*\n)*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"`([^`<]*[^`<\s])\s*<(?!https)([^`>]*)>`_", r"\1 (``\2``)", text)


if __name__ == "__main__":
    setup(long_description=description())
