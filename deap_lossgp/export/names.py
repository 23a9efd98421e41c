"""Names from strangers' files, made safe to write into source files."""

import re

USES = {"keras": 'model.compile("adam", {}(), metrics=["accuracy"])  # after softmax',
        "torch": "loss = {}()(logits, labels)  # like nn.CrossEntropyLoss"}  # fmt: skip
"""How the class of an export is used, by target."""


def plain_name(text: str, longest: int = 60) -> str:
    """Reduces a name to letters, digits, ``_ . -`` and spaces."""
    return re.sub(r"[^A-Za-z0-9_ .-]+", "_", str(text)[:longest]).strip() or "unnamed"


def identifier(name: str) -> str:
    """Turns a name into the name of a Python module.

    Examples:
        >>> identifier("3: \\"mine\\"")
        'loss_3_mine'
    """
    word = re.sub(r"[^A-Za-z0-9]+", "_", str(name)[:40]).strip("_")
    if not word:
        return "evolved_loss"
    return word if word[0].isalpha() else f"loss_{word}"


def class_name(name: str) -> str:
    """Turns a name into the name of a Python class.

    Examples:
        >>> class_name("cross_entropy"), class_name("3: \\"mine\\"")
        ('CrossEntropyLoss', 'Loss3MineLoss')
    """
    words = "".join(word[:1].upper() + word[1:] for word in identifier(name).split("_"))
    return words if words.endswith("Loss") else f"{words}Loss"
