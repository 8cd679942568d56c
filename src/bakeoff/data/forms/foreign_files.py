"""Files of kinds that are not read, known by their first bytes: what they are, and how to make of them what is read."""

from pathlib import Path

from bakeoff.errors import DataError, printable
from bakeoff.system.files import opened

_ARRAYS = "and save all of them with np.savez('data.npz', x=..., y=labels)"
#: (place, bytes, what it is, what to do).
_KINDS = (
    (
        128,
        b"DICM",
        "a DICOM image",
        f"read the pixels with pydicom (pydicom.dcmread(file).pixel_array) {_ARRAYS}",
    ),
    (
        344,
        b"n+1\0",
        "a NIfTI volume",
        f"read it with nibabel (nibabel.load(file).get_fdata()), take slices {_ARRAYS}",
    ),
    (
        344,
        b"ni1\0",
        "a NIfTI header",
        f"read it with nibabel (nibabel.load(file).get_fdata()), take slices {_ARRAYS}",
    ),
    (
        4,
        b"n+2\0",
        "a NIfTI volume",
        f"read it with nibabel (nibabel.load(file).get_fdata()), take slices {_ARRAYS}",
    ),
    (0, b"\x89HDF\r\n", "an HDF5 file", f"read its arrays with h5py {_ARRAYS}"),
    (0, b"MATLAB 5.0", "a MATLAB file", f"read its arrays with scipy.io.loadmat {_ARRAYS}"),
    (
        0,
        b"\x80\x04\x95",
        "a pickle (which can run code)",
        "save arrays with np.savez or a CSV file",
    ),
    (
        0,
        b"\x80\x05\x95",
        "a pickle (which can run code)",
        "save arrays with np.savez or a CSV file",
    ),
    (0, b"RDX", "a file of R", "save it from R with write.csv"),
    (0, b"\x1f\x8b", "a file packed with gzip", "give its name the ending .gz"),
    (0, b"%PDF", "a PDF document", "save the table in it as a CSV file"),
    (0, b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save it as .xlsx or CSV"),
)


def foreign_kind(path: Path) -> str | None:
    """What the file is and what to do, as the end of a sentence, or None where its first bytes say nothing."""
    try:
        with opened(path) as file:
            start = file.read(512)
    except (OSError, DataError):
        return None
    for place, magic, what, instead in _KINDS:
        if start[place : place + len(magic)] == magic:
            return f"is {what}, which bakeoff does not read: {instead}."
    return None


def foreign_error(path: Path) -> DataError | None:
    """The error about a file of such a kind, or None."""
    kind = foreign_kind(path)
    return None if kind is None else DataError(f"'{printable(path.name)}' {kind}")
