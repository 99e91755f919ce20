"""The contract every service shares: the facts, their envelope, the topics and the settings they carry."""
