"""The optional compiled path."""


def available() -> bool:
    """Whether the compiled operators are in use."""
    return False


def keep_memory() -> None:
    """Let the C allocator keep freed memory, so that each step reuses warm pages."""
