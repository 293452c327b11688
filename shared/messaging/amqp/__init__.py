"""The bus on RabbitMQ, for services that run apart: calls, events and journal batches as in process."""
