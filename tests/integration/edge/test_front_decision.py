import pytest
from front_corpus import ENGINES, event, front, requests, run, users

from infra.edge.front_code import request_code, response_code
from infra.front_routing import Side, bucket_of, decide

SHARES = (0, 1, 5, 37, 50, 99, 100)


def expected(chosen, path, authorization):
    """What the CloudFront Function is to do, by the reference."""
    decision = decide(path, authorization, chosen)
    if decision.side is Side.NONE:
        return [404, [], None]
    ours = decision.side is Side.OURS
    return [decision.path, [decision.name if ours else "present"], None]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("present", ["/functions/v1", "", "/api", None])
def test_the_cloudfront_function_decides_as_the_reference(engine, present, tmp_path):
    agrees(engine, front(50, present), tmp_path)


@pytest.mark.sweep  # 12 s
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("percent", SHARES)
def test_it_decides_as_the_reference_for_each_share(engine, percent, tmp_path):
    agrees(engine, front(percent, "/functions/v1"), tmp_path)


def agrees(engine, chosen, folder):
    asked = requests()
    results = run(
        engine, request_code(chosen), [event(*each) for each in asked], folder
    )

    got = dict(zip(asked, results, strict=True))
    assert got == {each: expected(chosen, *each) for each in asked}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("present", ["/functions/v1", "/api"])
def test_an_answer_names_the_side_that_was_asked(engine, present, tmp_path):
    chosen = front(50, present)
    asked = [each for each in requests() if decide(*each, chosen).side is not Side.NONE]
    # The second function sees the path that the first one asked for.
    events = [
        {**event(decide(*each, chosen).path, each[1]), "response": {"headers": {}}}
        for each in asked
    ]

    results = run(engine, response_code(chosen), events, tmp_path)

    sides = [str(decide(*each, chosen).side) for each in asked]
    assert [side for _, _, side in results] == sides


def test_a_share_is_a_share_of_users_within_three_points():
    buckets = [bucket_of(each) for each in users()]

    for percent in (5, 25, 50, 75):
        ours = sum(bucket < percent for bucket in buckets)
        assert ours == pytest.approx(percent * 10, abs=30)
