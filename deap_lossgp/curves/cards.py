"""A loss's card: the figures that describe a loss, and their text."""

import math
from dataclasses import dataclass

from deap_lossgp.curves.grid import LOWEST

MISTAKES = (1e-2, 1e-4, 1e-6)
"""Predictions for the target class, one of two, that are confidently wrong."""


@dataclass(frozen=True)
class TotalLoss:
    """A sample's loss, the mean over classes, as p_target goes from 0 to 1.

    The other classes share 1 - p_target equally. At the start every class has 1 / num_classes.

    Attributes:
        num_classes: Number of classes.
        start_value: The loss at the start.
        start_gradient: Its derivative at the start with respect to the target's logit.
        relative_gradient: The same derivative, of the loss at cross entropy's scale, divided by
            that of cross entropy; negative where training begins by making predictions wrong.
        least_at: The p_target at which the loss is least, on the range of the grid; NaN if the
            loss is constant, or NaN everywhere.
        course: How the loss changes as p_target rises: ``falls``, ``rises``, ``stays``, ``falls,
            rises``, ``rises, falls``, ``turns 3 times`` and so on; ``undefined`` if it is NaN
            somewhere.
    """

    num_classes: int
    start_value: float
    start_gradient: float
    relative_gradient: float
    least_at: float
    course: str


@dataclass(frozen=True)
class LossCard:
    """The figures that describe a loss; ``str(card)`` is the text.

    Attributes:
        name: As given, or ``loss``.
        expression: The loss as the package reads it.
        infix: The loss as people read it.
        primitives: Name of its primitive set.
        size: Number of nodes.
        height: Number of edges from the root to the deepest leaf.
        certified: Whether it is trained on its curves; otherwise it takes the exact path.
        certificate_error: ``LossCurves.error``; poles, kinks and oscillations make it large.
        finite: Whether values and derivatives are finite on the whole grid.
        scale: The median gradient that reaches a logit, relative to cross entropy's.
        totals: A ``TotalLoss`` for each number of classes.
        unbounded: The places where the value grows without bound, or is not finite, in words.
        power: The power of p to which dL(1, p)/dp is in proportion for p from 1e-6 to 1e-3; NaN if
            it is in proportion to none.
        mistakes: For each of ``MISTAKES`` the gradient on the target's logit, of the loss at cross
            entropy's scale and relative to cross entropy's; negative where training makes the
            mistake worse.
        label_blind: Whether the gradient is the same for both labels.
        similarities: (name, cosine) of each known loss, the most similar first. The cosine is
            between the gradients with respect to the logits at random predictions: 1 for two
            losses that train alike, NaN where one has no gradient.
    """

    name: str
    expression: str
    infix: str
    primitives: str
    size: int
    height: int
    certified: bool
    certificate_error: float
    finite: bool
    scale: float
    totals: tuple[TotalLoss, ...]
    unbounded: tuple[str, ...]
    power: float
    mistakes: tuple[float, ...]
    label_blind: bool
    similarities: tuple[tuple[str, float], ...]

    @property
    def monotone(self) -> bool:
        """Whether the loss only falls, or only rises, with p_target, in all of ``totals``."""
        courses = {total.course for total in self.totals}
        return courses in ({"falls"}, {"rises"})

    @property
    def bounded(self) -> bool:
        """Whether the value grows without bound nowhere."""
        return not self.unbounded

    @property
    def scale_free(self) -> bool:
        """Whether the target's derivative is in proportion to a power of p near 0."""
        return not math.isnan(self.power)

    @property
    def trend(self) -> str:
        """How the gradient, relative to cross entropy's, changes as a mistake grows.

        One of ``grows``, ``levels off``, ``vanishes`` and ``is undefined``.
        """
        mild, grave = (abs(ratio) for ratio in self.mistakes[-2:])
        if not (math.isfinite(mild) and math.isfinite(grave)):
            return "is undefined"
        if not (mild and grave):
            return "grows" if grave else "vanishes"
        power = math.log(grave / mild) / math.log(MISTAKES[-2] / MISTAKES[-1])
        return "levels off" if abs(power) <= 0.05 else "grows" if power > 0.0 else "vanishes"

    @property
    def nearest(self) -> str:
        """Name of the known loss that is most similar to this one."""
        return self.similarities[0][0]

    @property
    def similarity(self) -> float:
        """The cosine of the known loss that is most similar to this one."""
        return self.similarities[0][1]

    def __str__(self) -> str:
        return "\n".join([self.name, *_rows(self), "", *_table(self.totals), "", *_traits(self)])


def _rows(card):
    path = "trained on its curves" if card.certified else "not certified: trained on the exact path"
    yield _row("expression", card.expression)
    yield _row("written out", card.infix)
    yield _row("tree", f"{card.size} nodes, height {card.height}, {card.primitives} primitives")
    yield _row("certificate", f"{path} (error {card.certificate_error:.2g})")


def _table(totals):
    rows = {
        "classes": [f"{total.num_classes}" for total in totals],
        "value at the start": [f"{total.start_value:.4g}" for total in totals],
        "gradient at the start": [f"{total.start_gradient:.4g}" for total in totals],
        "  against cross entropy's": [f"{total.relative_gradient:.3g}x" for total in totals],
        "least at p_target": [_place(total.least_at) for total in totals],
        "as p_target rises, it": [total.course for total in totals],
    }
    return [f"  {title:25}" + "".join(f"{text:>15}" for text in texts).rstrip()
            for title, texts in rows.items()]


def _traits(card):
    if card.scale:
        yield _row("scale", f"median gradient {card.scale:.4g} times cross entropy's; divided out "
                            f"before a training")
        yield _row("", "and wherever gradients are held against cross entropy's here")
    else:
        yield _row("scale", "it has no gradient")
    yield _row("monotone", "yes" if card.monotone else "no")
    yield _row("bounded", "yes" if card.bounded else f"no: {'; '.join(card.unbounded)}")
    free = f"yes: dL(1, p)/dp goes as p^{_power(card.power)} for p from 1e-6 to 1e-3"
    yield _row("scale-free", free if card.scale_free else "no")
    yield _row("label-blind", "yes: it cannot train" if card.label_blind else "no")
    wrong = ", the wrong way" if min(card.mistakes) < 0.0 else ""
    yield _row("confident mistakes", f"the gradient {card.trend}{wrong}; against cross entropy's")
    ratios = (f"{ratio:.3g}x at {p:g}" for p, ratio in zip(MISTAKES, card.mistakes, strict=True))
    yield _row("", f"with p_target falling: {', '.join(ratios)}")
    yield _row("nearest known loss", "none" if math.isnan(card.similarity)
               else f"{card.nearest}, cosine {card.similarity:.3f}")


def _row(title, text):
    return f"  {title:19} {text}"


def _place(p):
    if math.isnan(p):
        return "nowhere"
    return "0" if p <= 2 * LOWEST else "1" if p >= 1.0 - 2 * LOWEST else f"{p:.4g}"


def _power(power):
    return f"{round(power, 1) + 0.0:g}"
