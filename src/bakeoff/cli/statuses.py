"""With what a command ends beside 0 (well), 1 (what a person can mend) and 2 (a faulty option)."""

#: An error of ours, as in the list of BSD's `sysexits.h`.
INTERNAL_ERROR = 70
#: As shells say that Ctrl-C ended a program: 128 + SIGINT.
INTERRUPTED = 130
