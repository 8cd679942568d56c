"""The machine and the disk, without any domain: files, extras, memory."""
