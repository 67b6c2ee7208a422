"""`make bench`: what reunite costs, as ratios of things measured in one run, alternating."""
