"""The admin's pages about the shop: the catalogue for curators, orders, customers and complaints for agents."""

from commerce.admin import care, catalogue, customers, orders

__all__ = ["care", "catalogue", "customers", "orders"]
