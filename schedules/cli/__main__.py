"""`python -m schedules.cli`: the command line where the program `laktare` is not on the PATH."""

from schedules.cli import main

main(prog_name="laktare")
