"""`python -m bakeoff` is the command line.

Python looks for that module, and for the few it needs to run one, in the current folder first; from here on nothing is
looked for there. The command `bakeoff`, and `python -P -m bakeoff`, never look there at all.
"""

from bakeoff.system.processes import leave_out_current_folder

leave_out_current_folder()

from bakeoff.cli.start import main  # noqa: E402  (what it imports must not come from the current folder)

main()
