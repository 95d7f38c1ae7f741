# What products are found by, kept by triggers: each statement that changes products sets its rows right at once.

import django.db.models.deletion
from django.db import migrations, models

from tenants.policies import OWN_TENANT, EnableTenantPolicy

FUNCTIONS = r"""
CREATE FUNCTION commerce_fold(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT lower(regexp_replace(normalize($1, NFKD), '[\u0300-\u036f]', '', 'g'))
$$;

CREATE FUNCTION commerce_number(text) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (found[1])::double precision * CASE lower(found[2])
        WHEN 'tb' THEN 1e12 WHEN 'gb' THEN 1e9 WHEN 'mb' THEN 1e6 WHEN 'kg' THEN 1e3
        WHEN 'kw' THEN 1e3 WHEN 'm' THEN 1e3 WHEN 'cm' THEN 10 ELSE 1 END
    FROM (SELECT regexp_match($1, '^\s*(-?\d{1,15}(?:\.\d{1,9})?)\s*([[:alpha:]]*)') AS found) AS read
$$;

CREATE FUNCTION commerce_look_up_products() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    renamed bigint[];
    revalued bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(id) INTO renamed FROM after;
        revalued := renamed;
    ELSE
        SELECT array_agg(after.id) INTO renamed FROM after JOIN before USING (id)
        WHERE (after.name, after.code, after.brand, after.category, after.aliases, after.description,
               after.specifications, after.active) IS DISTINCT FROM
              (before.name, before.code, before.brand, before.category, before.aliases, before.description,
               before.specifications, before.active);
        SELECT array_agg(after.id) INTO revalued FROM after JOIN before USING (id)
        WHERE (after.category, after.specifications, after.price, after.active) IS DISTINCT FROM
              (before.category, before.specifications, before.price, before.active);
        DELETE FROM commerce_productword WHERE product_id = ANY(renamed);
        DELETE FROM commerce_productfact WHERE product_id = ANY(revalued);
    END IF;
    INSERT INTO commerce_productword (tenant_id, product_id, word, weight)
    SELECT after.tenant_id, after.id, left(word, 60), max(weight)
    FROM after,
        LATERAL (VALUES
            (2, concat_ws(' ', name, code, brand, category, aliases::text)),
            (1, concat_ws(' ', left(description, 2000), jsonb_path_query_array(specifications, '$.*')::text))
        ) AS texts (weight, written),
        LATERAL regexp_split_to_table(commerce_fold(written), '[^[:alnum:]]+') AS word
    WHERE after.id = ANY(renamed) AND after.active AND word <> '' AND after.OWN_TENANT
    GROUP BY after.tenant_id, after.id, left(word, 60);
    INSERT INTO commerce_productfact (tenant_id, product_id, category, name, value, number, text)
    SELECT after.tenant_id, after.id, after.category, left(facts.name, 80), left(facts.value, 200),
        commerce_number(facts.value), left(facts.text, 200)
    FROM after,
        LATERAL (
            SELECT commerce_fold(key) AS name, commerce_fold(value) AS value, value AS text FROM jsonb_each_text(
                CASE jsonb_typeof(specifications) WHEN 'object' THEN specifications ELSE '{}'::jsonb END)
            WHERE key <> '' AND value IS NOT NULL
            UNION ALL SELECT '', price::text, price::text WHERE price IS NOT NULL
        ) AS facts
    WHERE after.id = ANY(revalued) AND after.active AND after.OWN_TENANT;
    RETURN NULL;
END
$$;

CREATE TRIGGER look_up_new AFTER INSERT ON commerce_product REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_look_up_products();
CREATE TRIGGER look_up_changed AFTER UPDATE ON commerce_product REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION commerce_look_up_products();
""".replace("OWN_TENANT", OWN_TENANT)
GONE = """
DROP TRIGGER look_up_new ON commerce_product;
DROP TRIGGER look_up_changed ON commerce_product;
DROP FUNCTION commerce_look_up_products();
DROP FUNCTION commerce_number(text);
DROP FUNCTION commerce_fold(text);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('commerce', '0001_initial'),
        ('tenants', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='ProductFact',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('category', models.CharField(max_length=80)),
                ('name', models.CharField(blank=True, max_length=80)),
                ('value', models.CharField(blank=True, db_collation='C', max_length=200)),
                ('number', models.FloatField(null=True)),
                ('text', models.CharField(blank=True, help_text='The value as it is written.', max_length=200)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='ProductWord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('word', models.CharField(db_collation='C', max_length=60)),
                ('weight', models.PositiveSmallIntegerField(default=1)),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.AddIndex(
            model_name='product',
            index=models.Index(models.F('tenant'), models.OrderBy(models.F('reviews'), descending=True, nulls_last=True), models.F('name'), name='products_by_reviews'),
        ),
        migrations.AddIndex(
            model_name='product',
            index=models.Index(models.F('tenant'), models.OrderBy(models.F('rating'), descending=True, nulls_last=True), models.F('name'), name='products_by_rating'),
        ),
        migrations.AddIndex(
            model_name='product',
            index=models.Index(fields=['tenant', 'category', 'brand'], include=('price', 'available', 'active'), name='products_facets'),
        ),
        migrations.AddIndex(
            model_name='relation',
            index=models.Index(fields=['tenant', 'source', 'kind', '-weight'], include=('target',), name='strongest_relations_from'),
        ),
        migrations.AddIndex(
            model_name='relation',
            index=models.Index(fields=['tenant', 'target', 'kind', '-weight'], include=('source',), name='strongest_relations_to'),
        ),
        migrations.AddField(
            model_name='productfact',
            name='product',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='facts', to='commerce.product'),
        ),
        migrations.AddField(
            model_name='productfact',
            name='tenant',
            field=models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant'),
        ),
        migrations.AddField(
            model_name='productword',
            name='product',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='words', to='commerce.product'),
        ),
        migrations.AddField(
            model_name='productword',
            name='tenant',
            field=models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant'),
        ),
        migrations.AddIndex(
            model_name='productfact',
            index=models.Index(fields=['tenant', 'category', 'name', 'value'], include=('product', 'number'), name='facts_by_value'),
        ),
        migrations.AddIndex(
            model_name='productfact',
            index=models.Index(fields=['tenant', 'category', 'name', 'number'], include=('product',), name='facts_by_number'),
        ),
        migrations.AddIndex(
            model_name='productword',
            index=models.Index(fields=['tenant', 'word'], include=('product', 'weight'), name='words_by_word'),
        ),
        EnableTenantPolicy("commerce_productword"),
        EnableTenantPolicy("commerce_productfact"),
        migrations.RunSQL(FUNCTIONS, GONE),
    ]
