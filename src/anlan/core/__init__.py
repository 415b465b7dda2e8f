"""What every floor stands on: errors, jobs, ids, time, coordinates, columns, files. See each module."""
