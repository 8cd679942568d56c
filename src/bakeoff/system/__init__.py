"""The machine and the disk, without any domain: files, whose folders are ours, processes, extras, memory."""
