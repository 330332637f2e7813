"""HTTP: routes, doors, limits, errors, watching."""
