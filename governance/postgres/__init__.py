"""Django's PostgreSQL backend with two duties more: start the embedded server on demand, refuse a server that may lose commits."""
