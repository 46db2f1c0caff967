"""When, what next, what happened: the calendar, the clockwork and the pipeline."""
