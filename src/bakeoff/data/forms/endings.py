"""Endings of files that several modules ask about, apart from what it takes to read such files."""

#: Tables that are no lines of text, which `other_tables` reads.
OTHER_TABLE_ENDINGS = (
    *(".json", ".feather", ".arrow", ".ipc"),
    *(".xlsx", ".xlsm", ".sqlite", ".sqlite3", ".db"),
)
#: Files of a table, whether it is predicted from or forecast.
TABLE_ENDINGS = (
    *(".csv", ".tsv", ".tab", ".parquet", ".pq", ".jsonl", ".ndjson"),
    *OTHER_TABLE_ENDINGS,
)
#: Files that hold others, packed.
TAR_ENDINGS = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
PACKED_ENDINGS = (".gz", ".bz2", ".xz", ".zip", *TAR_ENDINGS)
#: Pictures, whatever they hold: the decoder looks at their bytes.
IMAGE_ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".j2k", ".png", ".apng", ".webp", ".avif"),
    *(".bmp", ".dib", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"),
)
#: Pictures that are not read, and must be converted.
OTHER_IMAGE_ENDINGS = (
    *(
        ".heic",
        ".heif",
        ".jxl",
        ".svg",
        ".psd",
        ".xcf",
        ".ai",
        ".eps",
        ".ico",
        ".tga",
        ".exr",
        ".hdr",
        ".pfm",
    ),
    *(".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".dcm", ".dicom", ".nii", ".mha", ".nrrd", ".svs"),
)
