"""docs/sizes.md says what the catalog says."""

from deploy.paths import REPOSITORY
from infra.catalog.limits import GIB
from infra.catalog.sizes import SIZES

LINES = (REPOSITORY / "docs" / "sizes.md").read_text(encoding="utf-8").splitlines()
ORDER = [SIZES[users] for users in sorted(SIZES)]


def row(start: str) -> list[str]:
    """The cells of the row that begins so."""
    (line,) = (each for each in LINES if each.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def concurrency(folder: str) -> list[str]:
    found = [
        {each.folder: each.concurrency for each in size.services} for size in ORDER
    ]
    return [str(each[folder]) for each in found]


def test_the_table_has_the_catalog_s_numbers():
    limits = [size.limits for size in ORDER]

    assert row("chat_send") == concurrency("chat_send")
    assert row("llm_handler") == concurrency("llm_handler")
    assert row("extract_memory") == concurrency("extract_memory")
    assert row("compress_image") == concurrency("compress_image")
    assert row("read_history") == concurrency("read_history")
    assert row("clients of") == [str(size.pooler_clients_used) for size in ORDER]
    assert row("account limit") == [
        str(size.reserved_concurrency + 100) for size in ORDER
    ]
    assert row("database, GiB") == [
        str(each["database_bytes"] // GIB) for each in limits
    ]
    assert row("invocations") == [str(each["invocations_month"]) for each in limits]
    assert row("realtime") == [str(each["realtime_connections"]) for each in limits]


def test_the_table_names_the_compute_and_its_clients():
    expected = [(size.compute.name, str(size.compute.pooler_clients)) for size in ORDER]

    for cell, (name, clients) in zip(row("smallest compute"), expected, strict=True):
        assert cell.startswith(f"{name} (")
        assert clients in cell


def test_the_examples_that_are_named_exist():
    named = [line.split("`")[1] for line in LINES if "example.yaml" in line]

    assert len(named) == 4
    assert all((REPOSITORY / each).exists() for each in named)
