"""Endings of files that several modules ask about, apart from what it takes to read such files."""

#: Files of a table, whether it is predicted from or forecast.
TABLE_ENDINGS = (".csv", ".tsv", ".tab", ".parquet", ".pq", ".jsonl", ".ndjson")
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
