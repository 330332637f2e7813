"""What a plugin is: cards and families, recipes, devices and engines, hooks; frozen data and protocols."""
