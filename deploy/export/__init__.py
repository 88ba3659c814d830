"""The analytics export: tables as Parquet files that mirror the database."""
