"""How a folder of images is arranged: classes, or parts of a split that hold the classes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from deap_lossgp.data.folder_files import FolderFiles, is_hidden

ROLES = {
    "train": r"(train|trainval)(ing|s|set|data|images)?",
    "test": r"(test|eval|evaluation|holdout)(ing|s|set|data|images)?",
    "validation": r"(val|valid|validation|validate|dev)(s|set|data|images)?",
}
"""What a word in the name of a part of a split looks like, by the part's role."""

_OTHER_IMAGES = "not used, validation images are taken from the training set"


@dataclass(frozen=True)
class Arrangement:
    """Where the images of each class are.

    Attributes:
        train: dict from a class to its folder, a relative path. Classes are in order.
        test: Likewise, or None if there is no part for the test.
        left_out: dict from other parts to the reason why they are not read.
        remark: What a user should know, or None.
        names: What the parts to train and to test on are called.
    """

    train: dict
    test: dict | None = None
    left_out: dict = field(default_factory=dict)
    remark: str | None = None
    names: tuple = ("train", "test")


def role_of(name: str) -> str | None:
    """Returns the role of a part of a split that is called so, or None.

    Examples:
        >>> [role_of(name) for name in ("Training", "seg_test", "val2017", "trainData", "cats")]
        ['train', 'test', 'validation', 'train', None]
    """
    words = [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)]
    return next((role for role, pattern in ROLES.items()
                 for word in words if re.fullmatch(pattern, word)), None)


def arrange(found: FolderFiles, root: Path, is_image: Callable[[Path], bool]) -> Arrangement:
    """Tells parts of a split from classes.

    A folder is a part if it is called so and holds folders. If most folders hold the same folders,
    they are parts, too, whatever they are called. The parts may also be inside the classes.

    Args:
        found: ``FolderFiles``.
        root: The folder's path, for error messages.
        is_image: Function from a path to whether the file should be an image.

    Returns:
        Arrangement: What is to be read.

    Raises:
        ValueError: The folders are parts of a split, but not those that are needed.
    """
    tops = found.inside(Path())
    inner = {top: found.inside(Path(top)) for top in tops}
    direct = {file.parts[0] for file in found.files
              if len(file.parts) == 2 and not is_hidden(file) and is_image(file)}
    roles = {top: role_of(top) for top in tops
             if role_of(top) and (_exactly(top) or inner[top] and top not in direct)}
    inside = {role_of(name) for names in inner.values() for name in names}
    holders = [top for top in tops if inner[top]]
    if len(set(roles.values())) < 2 and _are_parts(inside) and 2 * len(holders) > len(tops) > 1:
        return _parts_in_classes(root, inner)
    if len(set(roles.values())) > 1 or len(roles) == len(tops) > 1 or any(
            role == "train" and len(inner[top]) > 1 and top not in direct
            for top, role in roles.items()):
        return _classes_in_parts(found, root, tops, roles, is_image)
    nested = [top for top in tops if len(inner[top]) > 1 and top not in direct]
    shared = set.intersection(*(set(inner[top]) for top in nested)) if nested else ()
    if len(nested) > 1 and 2 * len(nested) > len(tops) and len(shared) > 1:
        raise ValueError(
            f"{root}: expected a folder for each class, or parts of a split called train and test; "
            f"got the folders {_listed(nested)}, which hold the same folders {_listed(shared)}. "
            f"Rename them, or give the path of one of them")
    return Arrangement({top: Path(top) for top in tops})


def _exactly(name):
    return any(re.fullmatch(pattern, name.lower()) for pattern in ROLES.values())


def _are_parts(roles):
    return None not in roles and "train" in roles and len(roles) > 1


def _listed(names, most=5):
    names = sorted(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _only(names, role, root):
    """Returns the one name of a role, an exact one if there are several; None if there is none."""
    exact = [name for name in names if _exactly(name)]
    chosen = exact if len(exact) == 1 else names
    if len(chosen) > 1:
        raise ValueError(f"{root}: expected one part for {role}, got {_listed(chosen)}")
    return chosen[0] if chosen else None


def _split(root, by_role):
    """Returns the names of the parts to train and to test on, the others, and a remark."""
    train = _only(by_role.get("train", []), "train", root)
    test, remark = _only(by_role.get("test", []), "test", root), None
    if test is None and len(by_role.get("validation", [])) == 1:
        (test,) = by_role["validation"]
        remark = _as_test(test)
    if train is None or test is None:
        raise ValueError(f"{root}: expected train/ and test/, or a folder for each class, got "
                         f"{_listed(name for names in by_role.values() for name in names)}")
    others = {}
    for role, names in by_role.items():
        reason = _OTHER_IMAGES if role == "validation" else f"beside another part to {role}"
        others |= {name: reason for name in names if name not in (train, test)}
    if remark is None and (train, test) != ("train", "test"):
        remark = f"{train}/ is the training set, {test}/ the test set"
    return train, test, others, remark


def _as_test(name):
    return f"no part is called test: {name}/ is the test set"


def _by_role(names):
    groups = {}
    for name in names:
        groups.setdefault(role_of(name), []).append(name)
    return groups


def _classes_in_parts(found, root, tops, roles, is_image):
    named = _by_role(roles)
    train, test, others, remark = _split(root, named)
    left_out = {Path(name): reason for name, reason in others.items()}
    left_out |= {Path(top): "no part of a split that is known" for top in tops if top not in roles}
    folders = []
    for part in (Path(train), Path(test)):
        names = found.inside(part)
        if len(names) == 1 and len(deeper := found.inside(part / names[0])) > 1 and not any(
                is_image(file) for file in found.files if file.parent == part / names[0]):
            part, names = part / names[0], deeper  # seg_train/seg_train/
        folders.append({name: part / name for name in names})
    strange = folders[1].keys() - folders[0].keys()
    if strange and len(folders[0]) > 1:
        raise ValueError(f"{Path(root) / test}: expected the classes of {train}/, "
                         f"got {min(strange)!r} too")
    return Arrangement(*folders, left_out, remark, (train, test))


def _parts_in_classes(root, inner):
    named = {top: {role: _only(own, role, Path(root) / top)
                   for role, own in _by_role(names).items()} for top, names in inner.items()}
    roles = {role for own in named.values() for role in own}
    used = ("train", "test" if "test" in roles else "validation")
    train, test = ({top: Path(top, own.get(role, role)) for top, own in named.items()}
                   for role in used)
    left_out = {Path(top, name): _OTHER_IMAGES for top, own in named.items()
                for role, name in own.items() if role not in used}
    remark = ("the parts train and test are taken from the classes" if "test" in roles
              else _as_test("validation"))
    return Arrangement(train, test, left_out, remark)
