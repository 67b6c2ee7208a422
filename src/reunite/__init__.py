"""reunite decides, at the moment of asking, who a customer is."""
