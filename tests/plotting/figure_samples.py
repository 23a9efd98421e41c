"""Samples for the tests of figures: small logbooks and tables, and readers of the axes."""

import math
import random

import numpy as np
from deap import algorithms, base, tools

NAN, INF = math.nan, math.inf


class BitFitness(base.Fitness):
    weights = (1.0,)


class PairFitness(base.Fitness):
    weights = (1.0, -1.0)


class Bits(list):
    def __init__(self, content):
        super().__init__(content)
        self.fitness = BitFitness()


class PairBits(list):
    def __init__(self, content):
        super().__init__(content)
        self.fitness = PairFitness()


def statistics(key, **options):
    stats = tools.Statistics(key)
    stats.register("avg", np.mean, **options)
    stats.register("std", np.std, **options)
    stats.register("min", np.min, **options)
    stats.register("max", np.max, **options)
    return stats


def onemax(stats, ngen=5, kind=Bits):
    """The logbook of DEAP's own eaSimple on OneMax."""
    random.seed(1)
    toolbox = base.Toolbox()
    toolbox.register("bit", random.randint, 0, 1)
    toolbox.register("individual", tools.initRepeat, kind, toolbox.bit, 20)
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)
    values = {Bits: lambda ones: (ones,), PairBits: lambda ones: (ones, 40 - 3 * ones)}[kind]
    toolbox.register("evaluate", lambda individual: values(sum(individual)))
    toolbox.register("mate", tools.cxTwoPoint)
    toolbox.register("mutate", tools.mutFlipBit, indpb=0.05)
    toolbox.register("select", tools.selTournament, tournsize=3)
    population = toolbox.population(12)
    return algorithms.eaSimple(population, toolbox, 0.5, 0.2, ngen, stats=stats, verbose=False)[1]


def fitness_values(individual):
    return individual.fitness.values


def two_chapters():
    return tools.MultiStatistics(fitness=statistics(fitness_values), ones=statistics(sum))


def logbook_of(**columns):
    logbook = tools.Logbook()
    for gen, values in enumerate(zip(*columns.values(), strict=True)):
        logbook.record(gen=gen, **dict(zip(columns, values, strict=True)))
    return logbook


def lines(ax):
    return {line.get_label(): line for line in ax.lines}


def drawn(ax):
    """The points on the axes, as {label: [(x, y)...]}; numbers left out are not among them."""
    found = {}
    for line in ax.lines:
        points = np.asarray(line.get_xydata(), dtype=float)
        found[line.get_label()] = [tuple(p) for p in points[np.isfinite(points).all(axis=1)]]
    return found


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()] if ax.get_legend() else []


def rows_of(*generations):
    """Rows from one list of (improvement, wins) per generation."""
    return [
        {"gen": gen, "index": index, "expression": "x", "improvement": improvement, "wins": wins}
        for gen, pairs in enumerate(generations)
        for index, (improvement, wins) in enumerate(pairs)
    ]


ROWS = rows_of([(-0.1, 0), (0.3, 1), (-0.2, 0)], [(0.1, 2), (0.3, 1), (0.05, 2)])


def progress_of(arms, trainings=(10, 20, 30)):
    """Records from {arm: {replicate: [(improvement, wins)...]}}."""
    return [
        {"replicate": replicate, "arm": arm, "gen": gen, "trainings": trainings[gen],
         "charged_seconds": 1.5 * trainings[gen], "best_improvement": pair[0],
         "best_wins": pair[1]}
        for arm, replicates in arms.items()
        for replicate, pairs in replicates.items()
        for gen, pair in enumerate(pairs)
    ]  # fmt: skip


TWO_ARMS = progress_of({
    "zebra": {0: [(0.1, 1), (0.2, 1)], 1: [(0.3, 0), (0.4, 2)], 2: [(0.2, 1), (0.1, 3)]},
    "ape": {0: [(-0.1, 0), (0.5, 1)], 1: [(-0.3, 0), (0.1, 1)], 2: [(0.0, 0), (0.0, 0)]},
})  # fmt: skip


def figures_of(*pairs, **columns):
    return [{"loss_digits": loss, "accuracy_digits": accuracy, **columns}
            for loss, accuracy in pairs]  # fmt: skip


PAIRS = [(1e-6, 0.1), (0.5, 0.9), (30.0, 0.95), (0.01, 0.05), (0.2, 0.11)]


def accuracies_of(accuracies):
    """Rows from {(task, arm): [[accuracy of a seed...] of a replicate...]}."""
    return [
        {"replicate": replicate, "arm": arm, "task": task, "seed": seed, "test_accuracy": accuracy}
        for (task, arm), replicates in accuracies.items()
        for replicate, seeds in enumerate(replicates)
        for seed, accuracy in enumerate(seeds)
    ]


TESTS = accuracies_of({
    ("digits", "evolved"): [[0.5, 0.7], [0.8, 0.8], [0.9, 1.0]],
    ("digits", "cross_entropy"): [[0.5, 0.6], [0.65, 0.65]],
    ("wine", "evolved"): [[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]],
})  # fmt: skip

EPOCHS = [
    {"task": task, "loss": loss, "epoch": epoch, "val_accuracy": accuracy * epoch / 2,
     "val_loss": value / epoch, "chance": chance}
    for task, chance in (("cifar10", 0.1), ("cifar100", 0.01))
    for loss, accuracy, value in (("cross_entropy", 0.6, 2.0), ("best loss", 0.7, 900.0))
    for epoch in (1, 2)
]  # fmt: skip
