"""A worker of the stage before `events`: the same engine, Faust, with another handler."""
