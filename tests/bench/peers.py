"""The open peers on our 10,000 x 50 instance, each as its own documentation would have it used."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from territory.model import MEASURES
from territory.neighbours import collapse, neighbour_pairs
from tests.bench.country import Country, make_country
from tests.bench.figures import Row, judge, timed

CUSTOMERS, TERRITORIES, TOLERANCE, SEED = 10_000, 50, 0.05, 7
RECOM_STEPS = 1_000
RECOM_WEIGHT = 1_000_000
"""GerryChain balances whole numbers (people): a customer's mass becomes so many millionths."""
Solve = Callable[[], np.ndarray]


def k_means(country: Country) -> Solve:
    """Balances nothing: the shape that the others are compared with."""
    from sklearn.cluster import KMeans

    return lambda: KMeans(TERRITORIES, n_init=10, random_state=SEED).fit_predict(country.xy)


def k_means_constrained(country: Country) -> Solve:
    """Balances how many customers each has."""
    from k_means_constrained import KMeansConstrained

    least, most = (round(CUSTOMERS / TERRITORIES * band) for band in (1 - TOLERANCE, 1 + TOLERANCE))
    method = KMeansConstrained(TERRITORIES, size_min=least, size_max=most, n_init=1, random_state=SEED)
    return lambda: method.fit_predict(country.xy).astype(np.int64)


def recom(country: Country) -> Solve:
    """Balances one measure, here the mean of both, on our neighbour graph; of its plans the fairest on both counts."""
    import networkx
    from gerrychain import Graph, MarkovChain, Partition, accept, constraints, proposals, updaters

    places, place_of = collapse(country.xy)
    table = pd.DataFrame(country.measures / country.measures.sum(axis=0), columns=MEASURES).groupby(place_of).sum()
    people = (table.mean(axis=1) * RECOM_WEIGHT).round().astype(int)
    drawn = networkx.Graph()
    drawn.add_nodes_from(table.assign(people=people).to_dict("index").items())
    drawn.add_edges_from(neighbour_pairs(places).tolist())
    graph, target = Graph.from_networkx(drawn), people.sum() / TERRITORIES

    def worst(plan: Partition) -> float:
        return max(abs(held * TERRITORIES - 1) for name in MEASURES for held in plan[name].values())

    def solve() -> np.ndarray:
        dice, tally = random.Random(SEED), {name: updaters.Tally(name) for name in MEASURES}
        first = Partition.from_random_assignment(graph, TERRITORIES, TOLERANCE, "people", tally, rng=dice)
        step = partial(proposals.recom, pop_col="people", pop_target=target, epsilon=TOLERANCE, rng=dice)
        chain = MarkovChain(step, [constraints.contiguous], accept.always_accept, first, RECOM_STEPS, rng=dice)
        part_of = dict(min(chain, key=worst).assignment.items())
        return np.unique([part_of[n] for n in range(len(places))], return_inverse=True)[1][place_of]

    return solve


def peer(prepare: Callable[[Country], Solve]) -> Row:
    """Run once; imports and the making of the graph are not on the clock."""
    country = make_country(CUSTOMERS)
    labels, cost = timed(prepare(country), 1)
    return Row(**judge(country, labels) | cost)


PEERS: dict[str, Callable[[], Row]] = {
    "k-means": partial(peer, k_means),
    "k-means-constrained": partial(peer, k_means_constrained),
    "GerryChain ReCom": partial(peer, recom),
}
