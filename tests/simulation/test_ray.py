"""The same list on a Ray cluster of two nodes, one of which is killed half-way."""

import json

import pytest

from anlan.core.job import Job
from anlan.simulation import scenarios
from anlan.simulation.pool import Serial, pool_of
from anlan.simulation.scenarios import play_scenarios
from anlan.simulation.study import Study

pytest.importorskip("ray", reason="Ray is not installed; it is optional: pip install 'anlan[ray]'")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def cluster():
    import ray
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    second = made.add_node(num_cpus=1)
    made.wait_for_nodes()
    ray.init(address=made.address, log_to_driver=False, logging_level="error")
    yield made, second
    ray.shutdown()
    made.shutdown()


def test_a_lost_node_loses_nothing(cluster, mill_folder, tmp_path, monkeypatch):
    made, second = cluster
    monkeypatch.setattr(scenarios, "PIECE", 1)
    studies = [
        Study(mill_folder, policy=policy, weeks=1, learn_weeks=6, replications=1, seed=seed)
        for policy in ("closest", "dmexclp")
        for seed in range(6)
    ]
    killed = []

    def kill(progress):
        if progress.done >= 4 and not killed:
            killed.append(made.remove_node(second, allow_graceful=False))

    there = play_scenarios(studies, tmp_path / "there", pool_of(ray=made.address), Job(kill))
    assert killed
    here = play_scenarios(studies, tmp_path / "here", Serial())
    assert there.missing == 0
    assert json.dumps(there.rows) == json.dumps(here.rows)
    assert (tmp_path / "there" / "results.csv").read_bytes() == (
        tmp_path / "here" / "results.csv"
    ).read_bytes()
