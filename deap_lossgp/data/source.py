"""Where the images of an experiment come from: data sets by name or path."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deap_lossgp.data.datasets import LOADERS, load_dataset
from deap_lossgp.data.folders import check_image_mode, read_size
from deap_lossgp.data.names import is_path
from deap_lossgp.errors import said_of_path
from deap_lossgp.settings import documented, setting

if TYPE_CHECKING:
    from deap_lossgp.data.images import ImageData


@documented
@dataclass(frozen=True, kw_only=True)
class DataSource:
    """The data sets of an experiment; a value out of its range is a ValueError."""

    group = "data"

    datasets: tuple[str, ...] = setting(
        ("digits",), "data sets, each digits, fashion_mnist, cifar10, cifar100, NAME for NAME.npz "
        "in data_dir, or the path of a folder of class folders of images (or of train/ and test/ "
        "of them) or of a .npz file; networks get pixels in [0, 1]", metavar="NAME_OR_FOLDER")
    data_dir: str | None = setting(None, "folder with NAME.npz files", metavar="DIR")
    image_size: tuple[int, int] | None = setting(
        None, "size to which images in folders are resized; by default 32", metavar="N|HxW",
        type=str)
    image_mode: str | None = setting(
        None, "what images in folders are made; by default grey if all are, else rgb",
        metavar="grey|rgb")

    def __post_init__(self) -> None:
        # A path has one spelling, with or without a slash at its end.
        self._set("datasets", tuple(
            os.path.normpath(name) if is_path(name) else name for name in self.datasets))
        if self.data_dir is not None:
            self._set("data_dir", os.path.abspath(self.data_dir))
        if self.image_size is not None:
            self._set("image_size", read_size(self.image_size))
        check_image_mode(self.image_mode)
        if (self.image_size or self.image_mode) and not any(map(os.path.isdir, self.datasets)):
            unknown = [name for name in self.datasets if name not in LOADERS]
            raise ValueError(f"image_size and image_mode belong to folders of images, "
                             f"got the data sets {', '.join(self.datasets)}"
                             f"{''.join(map(said_of_path, unknown))}")

    def load(self) -> list[ImageData]:
        """Loads the data sets.

        Returns:
            list of ``ImageData``, in the order of ``datasets``.

        Raises:
            ValueError: A data set is unknown, or its files are not usable.
            OSError: Its files cannot be read.
        """
        return [load_dataset(name, self.data_dir, image_size=self.image_size,
                             image_mode=self.image_mode) for name in self.datasets]

    def _set(self, name, value):
        object.__setattr__(self, name, value)
