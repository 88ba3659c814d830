"""The task cdn.simulate: what it prints, what it refuses, that it repeats itself."""

import json
from dataclasses import replace

import pytest
from test_access_logs import COMBINED, PATH

from deploy.cdn.simulation import commands, verdict
from deploy.cdn.simulation.commands import Asked
from deploy.cdn.simulation.plans import PLANS, Month
from deploy.cdn.simulation.replay import Replayed
from deploy.local.edge import installing
from deploy.local.parts import Missing, UnavailableError

SMALL = {"mb_day": 20.0, "days": 2.0}


def run(capsys, **given) -> dict:
    assert commands.run(Asked(**SMALL | given), as_json=True) == 0
    return json.loads(capsys.readouterr().out)


def test_it_tells_all_variants_their_month_and_the_bill(capsys):
    found = run(capsys)

    names = [each["name"] for each in found["variants"]]
    assert names == ["today", "headers", "cdn", "compression", "both"]
    sizes = {each["name"]: each["mb_day"] for each in found["variants"]}
    assert sizes["both"] < sizes["cdn"] < sizes["compression"] < sizes["today"]
    assert all(each["bill"]["usd"] == 0 for each in found["variants"])
    assert found["replay"] is None


def test_on_pro_it_says_that_a_small_app_saves_nothing(capsys):
    assert commands.run(Asked(**SMALL), as_json=False) == 0

    told = " ".join(capsys.readouterr().out.split())
    assert "On Pro the CDN saves USD 0 a month" in told
    assert "Below the plan's quotas it saves USD 0." in told
    assert 'Cheapest first step, without a CDN: upload with cacheControl "604800"' in (
        told
    )
    assert "images that nobody had asked for before: those no CDN saves." in told


def heavy_log(tmp_path) -> str:
    """A log of an hour in which 9 viewers load 1 GB each."""
    path = tmp_path / "access.log"
    line = COMBINED.format(path=PATH).replace(" 512 ", " 1000000000 ")
    path.write_text("\n".join(line.replace("203", str(n)) for n in range(9)))
    return str(path)


@pytest.mark.parametrize("plan", ["free", "pro", "team"])
@pytest.mark.parametrize("is_heavy", [True, False])
def test_no_line_is_wider_than_a_hundred_columns(capsys, tmp_path, plan, is_heavy):
    given = Asked(log=heavy_log(tmp_path)) if is_heavy else Asked(**SMALL)

    assert commands.run(replace(given, plan=plan), as_json=False) == 0

    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100


def test_on_free_it_says_when_every_image_answers_402(capsys, tmp_path):
    asked = Asked(log=heavy_log(tmp_path), plan="free")

    assert commands.run(asked, as_json=True) == 0

    found = json.loads(capsys.readouterr().out)
    assert "the project is restricted (402 for every image)" in found["verdicts"][0]
    assert found["restricted_at_times"]["today"] < found["restricted_at_times"]["cdn"]


def test_on_pro_it_says_what_is_saved(capsys, tmp_path):
    asked = Asked(log=heavy_log(tmp_path))

    assert commands.run(asked, as_json=True) == 0

    # An hour of 9 GB is a month of 6,566 GB, an eighth of them uncached.
    found = json.loads(capsys.readouterr().out)
    today = found["variants"][0]["month"]
    assert today["uncached_gb"] == pytest.approx(24 * 30.4, rel=0.001)
    assert today["cached_gb"] == pytest.approx(8 * 24 * 30.4, rel=0.001)
    usd = 0.03 * (8 * 24 * 30.4 - 250)
    assert f"the CDN saves USD {usd:,.2f} a month" in found["verdicts"][0]


def test_many_small_images_cost_the_worker_and_save_nothing():
    today = Month(cached_gb=100, uncached_gb=0)
    cdn = Month(cached_gb=1, uncached_gb=0, cdn_requests=10**7, mode="worker-cache")

    told = verdict._balance(PLANS["pro"], today, cdn)

    assert told == "does not pay: USD 0.00 for egress today, USD 5.00 with it"


def test_a_log_tells_what_of_it_was_not_read(capsys, tmp_path):
    path = tmp_path / "access.log"
    lines = [COMBINED.format(path=PATH), "noise", COMBINED.format(path="/rest/v1/x")]
    path.write_text("\n".join(lines))

    assert commands.run(Asked(log=str(path)), as_json=False) == 0

    told = capsys.readouterr().out
    assert (
        "not read: 1 of 3 lines, not in the common or combined log format (line 2)"
        in (told)
    )
    assert "no rule" in told
    assert "A log has only what browsers asked for" in told
    assert "The log names no data centers" in told


def test_with_less_room_supabase_sends_more(capsys):
    every = [run(capsys, capacity_mb=size) for size in (0.0, 20.0)]

    sizes = [each["variants"][2]["mb_day"] for each in every]
    assert sizes[0] < sizes[1]


def test_the_same_seed_gives_the_same_answer_and_plot(capsys, tmp_path):
    plots = [tmp_path / f"{number}.png" for number in (1, 2)]

    found = [run(capsys, plot=str(path), days=1.0) for path in plots]

    assert found[0] == found[1]
    assert plots[0].read_bytes() == plots[1].read_bytes()


@pytest.mark.parametrize(
    ("plan", "mode"), [("free", "cloudfront"), ("pro", "cache-rules")]
)
def test_each_plan_and_mode_has_a_plot(capsys, tmp_path, plan, mode):
    run(capsys, plan=plan, mode=mode, plot=str(tmp_path / "a.svg"))

    assert (tmp_path / "a.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"plan": "enterprise"}, "--plan 'enterprise': must be one of free, pro, team"),
        ({"mode": "none"}, "--mode 'none': must be one of worker-cache,"),
        ({"days": 400.0}, "--days 400: must be 0.04167 to 365 days"),
        ({"days": 1.5}, "--days 1.5: whole days without --log"),
        ({"mb_day": 1.0}, "--mb-day 1: must be 20 to 20,000 MB"),
        ({"left": 0.0}, "--left 0: must be 0.01 to 1 of the bytes"),
        ({"upload_s": -1}, "--upload-s -1: must be 0 to 31,449,600 seconds"),
        (
            {"capacity_mb": 5.0, "replays": True},
            "--capacity-mb: the replay has no bound",
        ),
        ({"plot": "a.gif"}, "--plot a.gif: must end with .png or .svg"),
        ({"log": "a.log"}, "--mb-day: is for the made workload"),
        ({"log": "missing.log", "mb_day": 600.0}, "--log missing.log: no such file"),
    ],
)
def test_what_is_out_of_range_is_refused_before_anything_is_read(
    capsys, given, problem
):
    with pytest.raises(SystemExit) as ended:
        commands.run(Asked(**SMALL | given), as_json=False)

    assert ended.value.code == 2
    assert problem in capsys.readouterr().err.replace("\n", " ")


def test_without_node_a_replay_ends_before_anything_is_simulated(capsys, monkeypatch):
    def absent():
        raise UnavailableError(Missing(reason="no Node.js", remedy="install it"))

    monkeypatch.setattr(installing, "modules", absent)
    monkeypatch.setattr(commands, "simulate", None)

    with pytest.raises(SystemExit) as ended:
        commands.run(Asked(**SMALL, replays=True), as_json=False)

    assert ended.value.code == 4
    assert "no Node.js\n-> install it" in capsys.readouterr().err


def test_what_is_no_number_is_refused_and_all_of_them_are_named(capsys):
    numbers = {"days": "abc", "seed": "1.5", "left": "", "mb_day": "20"}

    with pytest.raises(SystemExit) as ended:
        commands.typed(Asked(), numbers, as_json=False)

    assert ended.value.code == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "--days 'abc': must be a number" in told
    assert "--seed '1.5': must be a whole number; nothing was simulated" in told


def test_typed_numbers_are_taken(capsys):
    numbers = {"days": "2", "seed": "7", "mb_day": "20", "left": "", "upload_s": "0"}

    assert commands.typed(Asked(), numbers, as_json=True) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["traffic"]["name"] == "made, 20 MB a day, seed 7"
    assert found["settings"]["upload_s"] == 0
    assert found["traffic"]["days"] == 2


@pytest.mark.parametrize(("real", "code"), [(500, 0), (510, 0), (511, 7)])
def test_a_replay_that_is_more_than_a_point_apart_fails_the_task(
    capsys, monkeypatch, real, code
):
    found = Replayed(
        requests=1_000,
        of=1_000,
        hits=(500, real),
        asked=(500, 1_000 - real),
        sent=(1, 1),
        unlike=abs(real - 500),
        statuses={200: 1_000},
    )
    monkeypatch.setattr(commands, "replay", lambda *_: found)
    monkeypatch.setattr(installing, "modules", lambda: None)

    assert commands.run(Asked(**SMALL, replays=True), as_json=True) == code
    assert (
        json.loads(capsys.readouterr().out)["replay"]["error_points"]
        == abs(real - 500) / 10
    )
