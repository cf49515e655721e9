"""The network's part of the long run: transfers over bad lines to one real server, some at a time."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from tests.acceptance.report import Row, none_of
from tests.acceptance.stage import Stage, nothing_left
from tests.e2e.inspection import stored
from tests.e2e.talk import Version2
from tests.faults.forks import Tell, in_child
from tests.faults.line_trials import CUTS, DOWN, DOWN_DATA, Found, Trial
from tests.faults.parts import Plan

REQUIRED = 1000
"""Lines that are cut, reset, stalled or half closed; those that are slow or spoilt come on top."""

AT_ONCE = 6
"""Trials beside each other: most of one is waiting."""


def network(plan: Plan) -> list[Row]:
    """Transfers until so many lines were cut."""
    (rows,) = in_child(partial(_network, plan)).values
    assert isinstance(rows, list)
    return rows


def _network(plan: Plan, tell: Tell) -> None:
    stage = Stage(plan.folder / "network", f"{plan.seed} network", plan.count, plan.say)
    try:
        tell(_rows(plan, stage))
    finally:
        stage.close()


def _rows(plan: Plan, stage: Stage) -> list[Row]:
    server, found = stage.serve(bcrypt_cost=4), Found()
    with Version2(server.address).log_in() as talk:
        talk.begin("the-file-to-download", DOWN, size=len(DOWN_DATA))
        talk.send_data(DOWN_DATA)
        talk.send_end(DOWN_DATA)
        assert talk.final()[0] == "STORED"
    wanted, done, cuts = stage.count(REQUIRED), 0, 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while cuts < wanted:
            numbers = range(done, done + min(10, wanted) * AT_ONCE)
            list(pool.map(lambda number: Trial(server, plan.seed, number, found).run(), numbers))
            done += len(numbers)
            cuts = sum(found.struck.get(fault, 0) for fault in CUTS)
            plan.say(f"network: {cuts} of {wanted} cuts, {len(found.wrong) + len(found.behind)} findings")
    for finding in (*found.wrong, *found.behind):
        plan.say(finding)
    others = {fault: count for fault, count in sorted(found.struck.items()) if fault not in CUTS}
    there = stored(server.data_dir)
    odd = sorted(dict(there.items() ^ found.names.items()))
    return [
        none_of("network: transfers that don't end right", f"{wanted} cuts", found.wrong, cuts),
        none_of("network: resumed below what was read", "cases", found.behind, found.resumed),
        none_of("network: slow or spoilt lines, also", "findings", found.wrong, sum(others.values())),
        none_of("network: files that are missing, too many or damaged", "files", odd, len(there)),
        nothing_left("network: left over", server),
    ]
