"""The admin's pages about tenants, the people who work for them, their keys, and the audit trail."""

from tenants.admin import keys, people, tenant

__all__ = ["keys", "people", "tenant"]
