"""Statements that load an export into BigQuery and Snowflake.

Both replace a table whole: files of an export are rewritten, and a load that adds what
is new would have the rows of a rewritten file twice.
"""

from collections.abc import Iterator, Mapping

from deploy.export.catalog import TABLES, By, Table
from deploy.export.columns import Kind
from deploy.export.manifest import TableFiles, Written

FOLDER = "load"
BIGQUERY, SNOWFLAKE = f"{FOLDER}/bigquery.sql", f"{FOLDER}/snowflake.sql"


def _where(uri: str, scheme: str) -> str:
    """Give a bucket's address as a warehouse wants it; a folder has to be copied."""
    if uri.startswith("s3://"):
        return f"{scheme}://{uri.removeprefix('s3://')}"
    return f"{scheme}://BUCKET/PREFIX"


def _filled(tables: Mapping[str, TableFiles]) -> Iterator[tuple[Table, list[Written]]]:
    """Give the tables that have a file: a load of no file is an error."""
    for table in TABLES:
        found = tables.get(table.name)
        if found and found.files:
            yield table, found.columns


def bigquery(tables: Mapping[str, TableFiles], uri: str) -> str:
    """Write the statements for BigQuery.

    Args:
        tables: The tables of the manifest.
        uri: Where the export is.
    """
    place = _where(uri, "gs")
    text = [
        "-- Loads the export into data set kiloscale of BigQuery; run it after each",
        "-- export. BigQuery loads from Google Cloud Storage: export there, or copy:",
        f"--   gcloud storage rsync -r {uri} {place}",
    ]
    for table, written in _filled(tables):
        columns = ",\n".join(
            f"  {each.name} {Kind[each.kind.upper()].form.bigquery}" for each in written
        )
        partitions, prefix = "", ""
        if table.by is not By.WHOLE:
            prefix = f",\n  hive_partition_uri_prefix = '{place}/{table.name}'"
            partitions = f"\nwith partition columns ({table.by.value} date)"
        text.append(
            f"\nload data overwrite kiloscale.{table.name} (\n{columns}\n)\n"
            f"from files (\n  format = 'PARQUET',\n"
            f"  uris = ['{place}/{table.name}/*']{prefix}\n){partitions};"
        )
    return "\n".join(text) + "\n"


def snowflake(tables: Mapping[str, TableFiles], uri: str) -> str:
    """Write the statements for Snowflake.

    Args:
        tables: The tables of the manifest.
        uri: Where the export is.
    """
    place = _where(uri, "s3")
    text = [
        "-- Loads the export into the current schema of Snowflake; run it after each",
        "-- export. The integration lets Snowflake read the bucket; make it once.",
        "create file format if not exists kiloscale_parquet",
        "  type = parquet use_logical_type = true;",
        "create stage if not exists kiloscale_export",
        f"  url = '{place}/' storage_integration = KILOSCALE",
        "  file_format = kiloscale_parquet;",
    ]
    for table, written in _filled(tables):
        text += ["", *_copied(table, written)]
    return "\n".join(text) + "\n"


def _copied(table: Table, written: list[Written]) -> list[str]:
    """Replace the rows of one table in one transaction."""
    fields = [(each.name, Kind[each.kind.upper()].form.snowflake) for each in written]
    values = [f"$1:{name}::{kind}" for name, kind in fields]
    if table.by is not By.WHOLE:
        fields.append((table.by.value, "DATE"))
        values.append(_from_path(table))
    columns = ",\n".join(f"  {name} {kind}" for name, kind in fields)
    names = ", ".join(name for name, _ in fields)
    return [
        f"create table if not exists {table.name} (\n{columns}\n);",
        "begin;",
        f"delete from {table.name};",  # noqa: S608 - a name of the catalog
        f"copy into {table.name} ({names})",
        "from (select " + ",\n  ".join(values),
        f"  from @kiloscale_export/{table.name}/)",
        "pattern = '.*[.]parquet' force = true;",
        "commit;",
    ]


def _from_path(table: Table) -> str:
    return (
        "to_date(regexp_substr(metadata$filename,"
        f" '{table.by.value}=([0-9-]+)', 1, 1, 'e'))"
    )
