"""Generates Go microservices from Copier templates."""

__version__ = "0.5.0"
