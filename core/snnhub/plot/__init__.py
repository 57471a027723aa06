"""Pictures of runs, weights and limits, drawn without a screen, and tables of the numbers they show."""
