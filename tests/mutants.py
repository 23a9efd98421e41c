"""Puts small faults into modules, one at a time, and sees whether a test notices.

    python tests/mutants.py store splits --sample 30
    python tests/mutants.py --again

Every fault is a row of OUTPUT, and the same command continues after its rows; ``--again`` tries
those that were not noticed. Faults that change nothing that can be observed are in
``equivalent_mutants.csv``, with the reason, and do not count. Needs coverage, and Linux (fork).

mutmut forks its mutants off the process in which it ran the tests; there TensorFlow was used, so
what evaluates a loss refuses to work and every fault seems to be noticed. cosmic-ray starts a
process for each mutant, which imports TensorFlow for seconds. Neither leaves out parts of a tuple.
Here a process that has imported TensorFlow, but not the package, forks off one per fault, which
runs only the tests that run the line, the fastest first, in a copy of the repository.
"""

import argparse
import csv
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from forks import NO_TESTS, Chosen, Recorder, forked, pytest_status
from mutations import mutations, sample

ROOT = Path(__file__).parents[1]
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.csv")
FIELDS = ("module", "line", "before", "after", "outcome", "seconds")
LIBRARIES = ("pytest", "coverage", "deap.gp", "pandas", "scipy.stats", "scipy.optimize", "sympy",
             "sklearn.datasets", "sklearn.model_selection", "matplotlib.pyplot", "tensorflow",
             "keras", "torch")  # fmt: skip
SEARCH = ("evaluation", "fitness", "store", "race", "rungs", "finals", "audit", "keys", "screened")

GROUPS = {
    "algorithms": (["algorithms/*.py"], ["tests/algorithms", "tests/test_constants.py"]),
    "operators": (["operators.py"], ["tests/test_operators.py", "tests/test_toolbox.py"]),
    "curves": (["curves/*.py"], ["tests/curves"]),
    "evaluation": ([f"search/{name}.py" for name in
                    ("evaluation", "trainings", "screened", "fitness", "race", "finals")],
                   [f"tests/search/test_{name}.py" for name in SEARCH]),
    "store": (["search/store.py"], ["tests/search/test_store.py"]),
    "splits": (["data/splits.py", "data/parts.py"],
               ["tests/data/test_splits.py", "tests/data/test_parts.py",
                "tests/data/test_folders.py"]),
    "training": ([f"training/{name}.py" for name in ("results", "tasks", "budget", "adam")],
                 ["tests/training/test_tasks.py", "tests/training/test_results.py",
                  "tests/training/test_adam.py",
                  *(f"tests/search/test_{name}.py"
                    for name in ("keys", "screened", "fitness", "rungs"))]),
    "export": (["export/*.py"], ["tests/export"]),
    "statistics": ([f"comparison/{name}.py" for name in ("arm_statistics", "arm_tables", "pairs")],
                   [f"tests/comparison/test_{name}.py" for name in
                    ("arm_statistics", "arm_tables", "pairs")]),
}  # fmt: skip
"""By name: modules, and the tests that concern them."""

SLOW = 20.0
"""Seconds: a test that takes longer is not run here."""


def recorded(modules, tests, notes):
    """Runs the tests without a fault; writes and returns their seconds and the lines they run."""

    def run():
        import coverage

        tracer = coverage.Coverage(data_file=None, include=[str(Path.cwd() / m) for m in modules])
        recorder = Recorder(tracer)
        tracer.start()
        pytest_status([*tests, *modules, "--maxfail=1000"], recorder)
        tracer.stop()
        data, lines = tracer.get_data(), {}
        for module in modules:
            contexts = data.contexts_by_lineno(str(Path.cwd() / module))
            lines[module] = {line: sorted(names) for line, names in contexts.items()}
        notes.write_text(json.dumps({"seconds": recorder.seconds, "failed": recorder.failed,
                                     "lines": lines}))
        return 0

    print(f"all tests of {len(modules)} modules, without a fault ...", flush=True)
    forked(run, 3600)
    known = json.loads(notes.read_text())
    for name in known["failed"]:  # it would notice nothing, or everything
        print(f"left out, as it fails without a fault: {name}", flush=True)
    return known


def concerned(known, module, mutation, budget):
    """Returns the tests that run the line, and the seconds that they take.

    They are those of the module's own file, and others while there are seconds left of the budget.
    """
    lines, seconds = known["lines"][module], known["seconds"]
    contexts = {name for line in mutation.lines for name in lines.get(str(line), ())}
    if "" in contexts or not contexts:  # it runs when the module is imported, or never
        contexts = {name.partition("::")[0] for name in seconds}
    own = f"test_{Path(module).stem}.py"
    tests = sorted((name for name in seconds if seconds[name] < SLOW and
                    (name in contexts or name.partition("::")[0] in contexts)), key=seconds.get)
    chosen = []
    for name in sorted(tests, key=lambda name: own not in name):
        if own in name or seconds[name] < budget:
            budget -= seconds[name]
            chosen.append(name)
    return sorted(chosen, key=seconds.get), sum(map(seconds.get, chosen))


def outcome(path, mutation, tests, seconds):
    """Returns whether the tests notice a fault."""
    original = path.read_text("utf-8")
    cached = Path(importlib.util.cache_from_source(path))
    cached.unlink(missing_ok=True)
    path.write_text(mutation.text, "utf-8")
    files = dict.fromkeys(name.partition("::")[0] for name in tests)
    try:
        status = forked(lambda: pytest_status(files, Chosen(tests)), 20 + 4 * seconds)
    finally:
        path.write_text(original, "utf-8")
    return "survived" if status in (0, NO_TESTS) else "timeout" if status is None else "noticed"


def rows_of(path):
    return list(csv.DictReader(open(path, newline=""))) if path.exists() else []


def fault(row):
    return row["module"], row["before"], row["after"]


def write(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)


def report(rows):
    """Prints the score of each group, and what was not noticed."""
    reasons = {fault(row): row["reason"] for row in rows_of(EQUIVALENT)}
    for name, (patterns, _) in GROUPS.items():
        mine = [row for row in rows if any(Path(row["module"]).match(f"deap_lossgp/{pattern}")
                                           for pattern in patterns)]
        left = [row for row in mine if row["outcome"] == "survived"]
        equal = [row for row in left if fault(row) in reasons]
        if count := len(mine) - len(equal):
            print(f"{name}: {count - len(left) + len(equal)} of {count} noticed "
                  f"({1 - (len(left) - len(equal)) / count:.0%}), {len(equal)} equivalent")
        for row in left:
            print(f"  {row['module']}:{row['line']}: {row['before']}\n    -> {row['after']}"
                  f"\n    {reasons.get(fault(row), '')}")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], help=", ".join(GROUPS))
    parser.add_argument("--sample", type=int, default=20, help="faults in each module")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of faults")
    parser.add_argument("--seconds", type=float, default=40.0, help="of tests for each fault")
    parser.add_argument("--again", action="store_true", help="only what was not noticed, again")
    parser.add_argument("--output", type=Path, default="runs/mutants.csv", help="the table")
    options = parser.parse_args(argv)
    output = options.output.resolve()
    output.parent.mkdir(parents=True, exist_ok=True)
    rows = rows_of(output)
    equivalent = {fault(row) for row in rows_of(EQUIVALENT)}
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT,
                               capture_output=True, text=True, check=True).stdout.splitlines()
        for name in filter(lambda name: (ROOT / name).is_file(), names):
            Path(copy, name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
        os.chdir(copy)
        sys.path[:0] = [str(copy), str(copy / "tests")]
        os.environ.update(PYTHONPATH=str(copy), TF_CPP_MIN_LOG_LEVEL="2")
        for name in LIBRARIES:
            if importlib.util.find_spec(name.partition(".")[0]):
                importlib.import_module(name)
        for group in options.groups or GROUPS:
            patterns, tests = GROUPS[group]
            modules = [str(path.relative_to(copy)) for pattern in patterns for path in
                       sorted(copy.glob(f"deap_lossgp/{pattern}")) if path.name != "__init__.py"]
            planned = []
            for module in modules:
                text = (copy / module).read_text("utf-8")
                done = {fault(row): row["outcome"] for row in rows if row["module"] == module}
                chosen = mutations(text) if options.again else sample(
                    text, options.sample, f"{options.seed} {module}")
                for mutation in chosen:
                    key = module, mutation.before, mutation.after
                    again = done.get(key) == "survived" and key not in equivalent
                    if again if options.again else key not in done:
                        planned.append((module, mutation))
            if not planned:
                continue
            known = recorded(modules, tests, Path(folder, "notes.json"))
            for module, mutation in planned:
                chosen, seconds = concerned(known, module, mutation, options.seconds)
                start = time.monotonic()
                row = {"module": module, "line": mutation.line, "before": mutation.before,
                       "after": mutation.after,
                       "outcome": outcome(copy / module, mutation, chosen, seconds)}
                row["seconds"] = f"{time.monotonic() - start:.1f}"
                print(f"{row['outcome']:9} {row['seconds']:>5} s {module}:{mutation.line}: "
                      f"{mutation.after}", flush=True)
                rows = [*(old for old in rows if fault(old) != fault(row)), row]
                write(output, rows)
        os.chdir(ROOT)
    report(rows)


if __name__ == "__main__":
    main()
