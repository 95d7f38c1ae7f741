"""The agent in the admin: intents, tools, policy, and the record of actions and calls."""
