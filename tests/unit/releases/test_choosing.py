"""To which versions a rollback goes, by what Lambda has and what the log says."""

import pytest

from deploy.errors import UsageError
from deploy.releases import choosing, log
from deploy.releases.choosing import Known
from deploy.releases.log import Entry
from deploy.releases.pruning import surplus
from deploy.releases.versions import Published, Version
from infra.catalog.services import CHAT_SEND


def version(number: int) -> Version:
    return Version(number=number, sha256=f"code {number}")


def known(live: dict[str, int], *entries: Entry, there: dict[str, list[int]]) -> Known:
    return Known(
        live={name: version(number) for name, number in live.items()},
        there={
            name: [
                Published(version=version(n), at="2026-01-01", size=1, settings={})
                for n in numbers
            ]
            for name, numbers in there.items()
        },
        entries=entries,
    )


def entry(number: int, kind: str = log.DEPLOYED, **services: int) -> Entry:
    return Entry(
        number=number,
        at="then",
        kind=kind,
        proved=kind == log.DEPLOYED,
        commit=None,
        migrations=None,
        services={name: version(n) for name, n in services.items()},
    )


def test_the_version_before_is_the_newest_that_was_trusted():
    here = known(
        {"chat": 4},
        entry(1, chat=1),
        entry(2, chat=2),
        entry(3, log.WITHDRAWN, chat=3),
        entry(4, chat=4),
        there={"chat": [1, 2, 3, 4]},
    )

    assert choosing.one(here, "chat", None).then.version.number == 2


def test_without_a_log_it_is_the_number_before():
    here = known({"chat": 4}, there={"chat": [1, 2, 3, 4]})

    assert choosing.one(here, "chat", None).then.version.number == 3


def test_without_a_trusted_one_it_is_none_that_was_withdrawn():
    here = known(
        {"chat": 3}, entry(1, log.WITHDRAWN, chat=2), there={"chat": [1, 2, 3]}
    )

    assert choosing.one(here, "chat", None).then.version.number == 1


def test_a_number_that_now_stands_for_other_code_is_not_trusted():
    old = entry(1, chat=1)
    forgotten = {"chat": Version(number=1, sha256="of a former emulator")}
    here = known(
        {"chat": 3},
        Entry(**{**vars(old), "services": forgotten}),
        entry(2, chat=2),
        there={"chat": [1, 2, 3]},
    )

    assert choosing.one(here, "chat", None).then.version.number == 2


@pytest.mark.parametrize(
    ("to", "there", "message"),
    [
        (None, [4], "chat has no version before 4 to go back to; nothing was changed"),
        (4, [3, 4], "version 4 of chat is live already; nothing was changed"),
        (2, [3, 4], "chat has no version 2: it was pruned; there are 3, 4"),
        (7, [3, 4], "chat has no version 7: it was never published; there are 3, 4"),
    ],
)
def test_a_version_that_cannot_be_is_refused_with_those_that_can(to, there, message):
    here = known({"chat": 4}, there={"chat": there})

    with pytest.raises(UsageError) as error:
        choosing.one(here, "chat", to)

    assert str(error.value).startswith(message)
    assert error.value.remedy == "./bootstrap releases --service chat"


def test_a_service_that_was_never_deployed_is_said():
    with pytest.raises(UsageError, match="chat was never deployed here"):
        choosing.one(known({}, there={"chat": []}), "chat", None)


THERE = {"chat": [1, 2, 3], "relay": [1, 2]}


def test_a_set_goes_back_to_the_release_before_and_moves_only_what_differs():
    here = known(
        {"chat": 3, "relay": 2},
        entry(1, chat=1, relay=1),
        entry(2, chat=2, relay=2),
        entry(3, chat=3, relay=2),
        there=THERE,
    )

    release, moves = choosing.whole_set(here, None)

    assert release.number == 2
    assert [(m.service, m.now.number, m.then.version.number) for m in moves] == [
        ("chat", 3, 2)
    ]


def test_a_second_rollback_goes_further_back_and_not_forward_again():
    here = known(
        {"chat": 2, "relay": 2},
        entry(1, chat=1, relay=1),
        entry(2, chat=2, relay=2),
        entry(3, chat=3, relay=2),
        entry(4, log.ROLLED_BACK, chat=2, relay=2),
        there=THERE,
    )

    assert choosing.whole_set(here, None)[0].number == 1


@pytest.mark.parametrize(
    ("to", "message"),
    [
        (None, "no earlier release is recorded here; name a service"),
        (1, "release 1 is live already"),
        (9, "no release 9 is recorded here; there are 1"),
    ],
)
def test_a_release_that_cannot_be_is_refused(to, message):
    here = known({"chat": 1, "relay": 1}, entry(1, chat=1, relay=1), there=THERE)

    with pytest.raises(UsageError) as error:
        choosing.whole_set(here, to)

    assert str(error.value).startswith(message)


def test_a_release_with_a_pruned_version_moves_nothing():
    here = known(
        {"chat": 3, "relay": 2},
        entry(1, chat=1, relay=1),
        there={"chat": [3], "relay": [1, 2]},
    )

    with pytest.raises(UsageError, match="release 1 has version 1 of chat, which was"):
        choosing.whole_set(here, None)


def test_pruning_keeps_what_one_would_go_back_to_before_what_was_withdrawn():
    name = CHAT_SEND.name
    entries = (
        entry(1, **{name: 1}),
        entry(2, log.WITHDRAWN, **{name: 2}),
        entry(3, **{name: 3}),
    )
    here = known({name: 3}, *entries, there={name: [1, 2, 3]})

    doomed = [each.version.number for each in surplus(here, CHAT_SEND, 1)]

    assert doomed == [2]
