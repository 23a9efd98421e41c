"""Long proofs that nothing is lost; ``tests/soak.py`` runs them.

``bench`` runs commands and keeps the tables of the rounds; ``linux`` lists processes. ``kills``,
``starts``, ``settings``, ``disks``, ``workers`` and ``drivers`` hold the proofs. A proof is a
function ``proof(bench, number, rng)``. It makes one round and returns its row, with 1 in the column
``held`` if nothing was lost. Beside it stands ``said_of_...(rows)``, which sums all rows up in one
line.
"""
