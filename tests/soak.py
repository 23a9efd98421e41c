"""Long proofs that nothing is lost: one line each, status 1 if one fails.

    python tests/soak.py --quick
    python tests/soak.py --only driver-kill orphans --rounds 20

Every round is a row of DIR/PROOF.csv; the same command continues after the rows of its seed. The
folder of a round that fails stays in DIR. Needs Linux (/proc).
"""

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from proofs import disks, drivers, kills, settings, starts, workers
from proofs.bench import Bench

from deap_lossgp.commands.parser import CommandParser, resumable


def no_ray():
    """Returns why Ray cannot be used here, or "" if it can."""
    return "" if find_spec("ray") else "Ray is not installed"


@dataclass(frozen=True)
class Proof:
    """A row of ``PROOFS``.

    Attributes:
        rounds, quick: How many rounds, and how many with ``--quick``.
        round: ``round(bench, number, rng)`` makes a round and returns its row.
        said: ``said(rows)`` sums the rows up in a line.
        hindrance: ``hindrance()`` returns why the proof cannot be made on this machine, or "".
        most: How many different rounds there are.
    """

    rounds: int
    quick: int
    round: Callable
    said: Callable
    hindrance: Callable = str
    most: int = 1_000_000


PROOFS = {
    "driver-kill": Proof(100, 10, kills.driver_kill, kills.said_of_driver_kill),
    "ten-kills": Proof(3, 2, kills.ten_kills, kills.said_of_ten_kills, no_ray, most=3),
    "worker-kill": Proof(20, 3, kills.worker_kill, kills.said_of_worker_kill),
    "start-kill": Proof(*starts.KILLS, starts.kill_while_starting, starts.said_of_kills),
    "start-interrupt": Proof(*starts.INTERRUPTS, starts.interrupt_while_starting,
                             starts.said_of_interrupts),
    "start-notebook": Proof(*starts.NOTEBOOK, starts.notebook_while_starting,
                            starts.said_of_notebooks),
    "settings": Proof(20, 4, settings.other_settings, settings.said_of_settings),
    "orphans": Proof(20, 3, kills.orphans, kills.said_of_orphans),
    "orphans-ray": Proof(20, 1, kills.orphans_ray, kills.said_of_orphans, no_ray),
    "disk-full": Proof(10, 3, disks.disk_full, disks.said_of_disk_full, disks.no_mount),
    "workers": Proof(4, 4, workers.other_workers, workers.said_of_workers, most=4),
    "throughput": Proof(3, 1, workers.throughput, workers.said_of_throughput),
    "stub-evaluations": Proof(1, 1, drivers.stub_evaluations, drivers.said_of_stub_evaluations),
    "worker-memory": Proof(2, 2, workers.worker_memory, workers.said_of_worker_memory, most=2),
    "store-cost": Proof(1, 1, drivers.store_cost, drivers.said_of_store_cost),
}


def prove(bench, name, rounds):
    """Makes the rounds that are missing and prints the proof's line; returns whether it held."""
    proof = PROOFS[name]
    if hindrance := proof.hindrance():
        print(f"{name}: skipped, {hindrance}", flush=True)
        return True
    count = min(proof.most, rounds or (proof.quick if bench.quick else proof.rounds))
    mine = {"seed": str(bench.seed), "quick": str(int(bench.quick))}

    def made():
        rows = {int(row["round"]): row for row in bench.rows(name) if mine.items() <= row.items()}
        return {number: row for number, row in rows.items() if number <= count}

    for number in sorted(set(range(1, count + 1)) - made().keys()):
        rng = random.Random(f"{bench.seed} {name} {number}")
        bench.add(name, {"round": number, **mine, **proof.round(bench, number, rng)})
    rows = list(made().values())
    held = sum(row["held"] == "1" for row in rows)
    print(f"{name}: {'ok' if held == count else 'FAILED'}, {held} of {count} rounds: "
          f"{proof.said(rows)}", flush=True)
    return held == count


def main(argv=None):
    arguments = CommandParser("Proves that runs lose nothing, at length.")
    arguments.add_argument("--quick", action="store_true", help="fewer and smaller rounds")
    arguments.add_argument("--only", nargs="+", metavar="NAME", default=list(PROOFS),
                           choices=PROOFS, help=", ".join(PROOFS))
    arguments.add_argument("--output", metavar="DIR", default="runs/soak",
                           help="folder of the tables, which the same command continues")
    arguments.add_argument("--seed", type=int, default=0, help="of the times of kills, and others")
    arguments.add_argument("--rounds", type=int, metavar="N", help="of each proof")
    options = arguments.parse_args(argv)
    if options.rounds is not None and options.rounds < 1:
        arguments.error(f"rounds must be at least 1, got {options.rounds}")
    with resumable(arguments, argv):
        bench = Bench(options.output, options.seed, options.quick)
        return 0 if all([prove(bench, name, options.rounds) for name in options.only]) else 1


if __name__ == "__main__":
    sys.exit(main())
