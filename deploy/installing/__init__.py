"""What a distributed installation is made of, worked out from the tables of the services: processes, users of
the broker, roles of the databases, the compose file, what Prometheus asks.
"""
