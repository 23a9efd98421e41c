"""What a loss would do, predicted from its curves, for a search that trains only the promising.

``features`` reads a few numbers from a loss's curves, ``scale`` puts the figures of several tasks
on one scale, ``evidence`` makes rows of both from tables of trainings, and ``model`` learns from
the rows. On these stand ``preselection`` (which children to train), ``atlas`` (the table of
measured losses that comes with the package; ``showing`` says what is in it), ``tabular`` (an
evaluation that stands in for training), and ``validation`` (how far the predictions can be
trusted). ``likeness`` compares two losses by their forces.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={
    "atlas": ["ATLAS", "load_atlas", "main_budget", "write_atlas"],
    "evidence": ["OWN_WEIGHT", "RUNGS", "Evidence", "at_budget", "baselines_of",
                 "evidence_of"],
    "features": ["LANDMARKS", "LossFeatures", "forces", "landmarks"],
    "likeness": ["ForceDistance"],
    "model": ["Surrogate"],
    "preselection": ["Preselection"],
    "scale": ["from_common_scale", "to_common_scale"],
    "showing": ["view"],
    "tabular": ["SurrogateEvaluation"],
    "validation": ["cross_validate"],
})
