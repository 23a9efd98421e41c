"""Evaluations through ``toolbox.map`` of other engines: joblib and Dask."""

import random

import faulty
import pytest

pytest.importorskip("tensorflow")

from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search.evaluation import Evaluation
from deap_lossgp.toolbox import make_toolbox


@pytest.fixture(scope="module")
def population():
    """A toolbox, trees, and their fitness when they are evaluated one by one in this process."""
    pset = loss_primitive_set()
    evaluation = Evaluation([faulty.digits()], pset)
    toolbox = make_toolbox(pset, evaluation, valid=evaluation.is_valid)
    random.seed(1)
    trees = toolbox.population(n=6)
    fitness = [toolbox.evaluate(tree) for tree in trees]
    assert len(set(fitness)) > 1 and evaluation.counts["ntrained"] > 1
    return toolbox, trees, fitness


def test_joblib_as_a_toolboxs_map_gives_the_same_fitness(population):
    joblib = pytest.importorskip("joblib")
    toolbox, trees, fitness = population
    with joblib.parallel_config("loky", n_jobs=2):
        toolbox.register("map", lambda function, items: joblib.Parallel()(
            joblib.delayed(function)(item) for item in items))
        assert toolbox.map(toolbox.evaluate, trees) == fitness


@pytest.mark.frameworks
def test_dask_as_a_toolboxs_map_gives_the_same_fitness(population, tmp_path):
    distributed = pytest.importorskip("distributed")
    toolbox, trees, fitness = population
    with (
        distributed.LocalCluster(2, processes=True, threads_per_worker=1, dashboard_address=None,
                                 local_directory=str(tmp_path)) as cluster,
        distributed.Client(cluster) as client,
    ):
        toolbox.register("map", lambda *given: client.gather(client.map(*given)))
        assert toolbox.map(toolbox.evaluate, trees) == fitness
