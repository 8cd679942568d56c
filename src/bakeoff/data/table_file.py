"""CSV, TSV, Parquet and JSON Lines files as Polars frames, with a clear word where a file is damaged."""

from pathlib import Path

import polars as pl

from bakeoff.data.dataset import Finding


def read_table_file(path: Path) -> tuple[pl.DataFrame, list[Finding]]:
    """TODO"""
    return pl.read_csv(path), []
