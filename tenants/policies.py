"""Row-level security as a migration operation: the second of the two fences around a tenant's rows."""

from django.db import migrations

from tenants.scope import TENANT_SETTING

#: An unset or emptied setting compares as NULL, so that nothing is seen without a scope.
OWN_TENANT = f"tenant_id = NULLIF(current_setting('{TENANT_SETTING}', true), '')::bigint"


class EnableTenantPolicy(migrations.RunSQL):
    """Lets a table show and take rows of the tenant in scope only, for its owner too (FORCE)."""

    def __init__(self, table: str, using: str = OWN_TENANT) -> None:
        self.table, self.using = table, using
        super().__init__(
            sql=f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY; ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY; '
            f'CREATE POLICY tenant_isolation ON "{table}" USING ({using}) WITH CHECK ({OWN_TENANT});',
            reverse_sql=f'DROP POLICY tenant_isolation ON "{table}"; '
            f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY; ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY;',
        )

    def deconstruct(self) -> tuple[str, list[str], dict[str, str]]:
        return self.__class__.__qualname__, [self.table], {"using": self.using}
