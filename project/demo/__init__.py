"""Two shops to try Askwell with: TechPro Electronics, and Northwind Tools to see that tenants are kept apart."""
