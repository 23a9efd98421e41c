"""Loss trees: DEAP individuals as ordinary classes, and their text without ``eval``."""

from __future__ import annotations

import json
from collections.abc import Iterable

from deap import base, gp

from deap_lossgp.expressions import parse


class LossFitness(base.Fitness):
    """(wins, improvement), both maximised; DEAP compares them in this order, as Algorithm 3 does.

    Examples:
        >>> won = LossFitness((2.0, 0.1))
        >>> won > LossFitness((1.0, 0.9)) and won > LossFitness((2.0, 0.0))
        True
    """

    weights = (1.0, 1.0)


class LossTree(gp.PrimitiveTree):
    """A loss as a tree over y_true and y_pred, in prefix order, with a ``fitness``.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> pset = loss_primitive_set()
        >>> tree = LossTree.from_string("neg(mul(y_true, log(y_pred)))", pset)
        >>> print(tree, len(tree), tree.height)
        neg(mul(y_true, log(y_pred))) 5 3
    """

    def __init__(self, content: Iterable = ()) -> None:
        super().__init__(content)
        self.fitness = LossFitness()

    @classmethod
    def from_string(cls, text: str, pset: gp.PrimitiveSet) -> LossTree:
        """Reads an expression; the text is never evaluated.

        Args:
            text: What ``str(tree)`` gives; finite numbers become ephemeral constants.
            pset: The ``deap.gp.PrimitiveSet`` that names the primitives and arguments.

        Returns:
            A tree without fitness.

        Raises:
            TypeError: ``text`` is not a string.
            ValueError: Names the fault and its place; characters are counted from 1.

        Examples:
            >>> from deap_lossgp.psets import loss_primitive_set
            >>> LossTree.from_string("add(y_true)", loss_primitive_set())
            Traceback (most recent call last):
                ...
            ValueError: add takes 2 operands, got 1, at character 1 of 'add(y_true)'
        """
        return cls(parse(text, pset))

    def to_json(self, pset: gp.PrimitiveSet) -> str:
        """Returns the tree as a JSON object: its expression and the name of its primitive set."""
        return json.dumps({"expression": str(self), "primitives": pset.name})

    @classmethod
    def from_json(cls, text: str, pset: gp.PrimitiveSet) -> LossTree:
        """Reads a JSON object that holds an ``expression``, perhaps beside other keys.

        Args:
            text: What ``to_json`` gives, or the content of a run's ``best_loss.json``.
            pset: The primitive set of the expression.

        Returns:
            A tree without fitness.

        Raises:
            ValueError: The text is not JSON, holds no expression, or was made with another
                primitive set.
        """
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"expected a JSON object with an expression: {error}") from None
        if not isinstance(content, dict) or not isinstance(content.get("expression"), str):
            raise ValueError("expected a JSON object with the key 'expression', a string")
        if content.get("primitives", pset.name) != pset.name:
            raise ValueError(f"the loss was made with {content['primitives']!r} primitives, "
                             f"the primitive set given is {pset.name!r}")
        return cls.from_string(content["expression"], pset)
