"""The lock of all that is changed for the whole process, for a time.

Some of what counting and stacked training need can only be had by changing state that every thread shares: functions
and classes of PyTorch, its global random numbers, Python's filters of warnings, the garbage collector. Whoever changes
such state takes this lock first and holds it until the state is put back, so that two threads (requests of a server,
cells of a notebook) never meet each other's changes. Training alone belongs in a worker process, where it has no
neighbours: it changes the number of threads and the random numbers without the lock, for as long as it takes.
"""

from threading import RLock

#: Re-entrant, since a change may be made inside another: `cost_of` replaces forwards while warnings are off.
PROCESS_LOCK = RLock()
