"""How a change reaches another system: signed webhooks, files in a directory, messages to a broker, and the one way out by HTTP."""
