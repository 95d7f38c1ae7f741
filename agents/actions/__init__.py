"""Changes: proposed by the agent, confirmed by the customer, run once."""
