"""Screening remembered: what is trained for a tree, under which key, and whether it is valid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from deap_lossgp.curves.canonical import AffineForm, affine_form, canonical_key
from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.curves.screening import in_value_range, is_trainable

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.training.results import TrainingResult
    from deap_lossgp.training.tasks import Task
    from deap_lossgp.trees import LossTree


@dataclass(frozen=True)
class Screened:
    """A loss after screening: what is trained, how the tree is made of it, and its key.

    The curves are not kept: a run screens thousands of trees, and few are trained.

    Attributes:
        form: The ``AffineForm`` of the tree; its core is what is trained.
        key: The canonical key of the core.
        valid: Whether the tree may enter the population.
    """

    form: AffineForm
    key: str
    valid: bool

    def rescaled(self, result: TrainingResult) -> TrainingResult:
        """Returns the ``TrainingResult`` of the core as the result of the tree itself."""
        if result.failed:
            return result
        losses = tuple(self.form.scale * loss + self.form.shift for loss in result.losses)
        return replace(result, loss=self.form.scale * result.loss + self.form.shift, losses=losses)


class Screening:
    """Screens trees, and remembers the valid ones by their text.

    Args:
        pset: The primitive set of the trees.
        tasks: The ``Task`` objects.
        raw: Whether losses are trained as they are, and their values are screened; otherwise it is
            their gradients, and what is trained is the core of the affine form.
    """

    def __init__(self, pset: gp.PrimitiveSet, tasks: Sequence[Task], raw: bool) -> None:
        self._pset, self._raw = pset, raw
        self._classes = [task.data.num_classes for task in tasks]
        self._known: dict[str, Screened] = {}
        self._latest: tuple[str | None, Any] = None, None

    def __call__(self, tree: LossTree) -> Screened:
        """Returns the ``Screened`` tree."""
        text = str(tree)
        if text in self._known:
            return self._known[text]
        form = self.form(tree)
        curves = self.curves(tree)
        if self._raw:
            valid = all(in_value_range(curves, classes) for classes in self._classes)
        else:
            valid = is_trainable(curves)
        screened = Screened(form, canonical_key(form.core, self._pset), valid)
        if valid:  # the others are not kept: there are thousands, and few are asked for again
            self._known[text] = screened
        return screened

    def __len__(self) -> int:
        """The number of trees that it remembers."""
        return len(self._known)

    def form(self, tree: LossTree) -> AffineForm:
        """Returns the ``AffineForm`` of a tree; a raw loss is its own core."""
        return AffineForm(tree, 1.0, 0.0) if self._raw else affine_form(tree, self._pset)

    def curves(self, tree: LossTree) -> LossCurves:
        """Returns the ``LossCurves`` of what is trained for a tree; those of the latest are kept.

        A child that a mutation left as it was is looked at twice, and then described.
        """
        text = str(tree)
        if text != self._latest[0]:
            self._latest = text, LossCurves.of(self.form(tree).core, self._pset)
        return self._latest[1]

    def is_promising(self, tree: LossTree) -> bool:
        """Whether a tree that is not trained raw may be valid: the part that costs little."""
        curves = self.curves(tree)
        return curves.finite and curves.gradient_scale > 0.0
