"""A photograph keeps every name that it was found under, and a known label that the model lacks makes nothing wrong."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

# The view of revision 0003, and in it what `wrong` means.
EXPLANATION_FLAGS = """
CREATE OR REPLACE VIEW explanation_flags AS
{select}
       {wrong} AS wrong, e.confidence < 0.5 AS unsure,
{rest}
"""
SELECT = """\
SELECT ae.audit_id AS audit, m.name || '@' || m.version AS model, r.name AS recipe, i.name AS image, i.sha256,
       i.label AS known_label, e.predicted, e.confidence, t.label AS explained,
       (e.probabilities ->> t.label)::float AS probability, t.place = 1 AS foremost,
       t.verdict, t.judgement #>> '{verdict,sentence}' AS sentence, t.judgement #>> '{verdict,figure}' AS figure,
       (t.judgement #>> '{verdict,value}')::float AS value, (t.judgement ->> 'gap')::float AS gap,
       t.background_reliance, (t.judgement #>> '{grounding,mask_share}')::float AS mask_share,
       (t.stability ->> 'spearman')::float AS spearman, (t.stability ->> 'top5_jaccard')::float AS top5_jaccard,
       (t.fidelity ->> 'r2_held_out')::float AS r2_held_out,"""
REST = """\
       t.judgement ->> 'confident_fill' AS confident_fill, t.judgement -> 'thresholds' AS thresholds
FROM audit_explanation ae
JOIN explanation e ON e.id = ae.explanation_id
JOIN attribution t ON t.explanation_id = e.id
JOIN image i ON i.id = e.image_id
JOIN model m ON m.id = e.model_id
JOIN recipe r ON r.digest = e.recipe_digest"""
WRONG, WRONG_BEFORE = (
    "CASE WHEN jsonb_exists(m.labels, i.label) THEN i.label <> e.predicted END",
    "i.label <> e.predicted",
)

# How names and labels are compared: in small letters and Unicode's composed form. A database made with `--no-locale`
# knows the small letters of ASCII alone, so it is done by the first of these collations that the server has.
COLLATIONS = ("pg_c_utf8", "und-x-icu", "C.utf8", "en_US.utf8", "default")
CHOICE = """
SELECT collname FROM pg_collation WHERE collname = ANY(:names) AND collencoding IN (-1, pg_char_to_encoding('UTF8'))
ORDER BY array_position(:names, collname::text) LIMIT 1
"""
COMPARED = """
CREATE FUNCTION compared(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT replace(lower(normalize($1) COLLATE pg_catalog."{collation}"), chr(92), '/') $$
"""


def upgrade() -> None:
    names = sa.bindparam("names", list(COLLATIONS), type_=sa.ARRAY(sa.Text()))
    collation = op.get_bind().execute(sa.text(CHOICE).bindparams(names)).scalar_one()
    op.execute(COMPARED.format(collation=collation))
    op.create_table(
        "image_name",
        sa.Column("image_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["image_id"], ["image.id"], name=op.f("fk_image_name_image_id_image"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_id", "name", name=op.f("pk_image_name")),
    )
    op.execute(EXPLANATION_FLAGS.format(select=SELECT, rest=REST, wrong=WRONG))


def downgrade() -> None:
    op.execute(EXPLANATION_FLAGS.format(select=SELECT, rest=REST, wrong=WRONG_BEFORE))
    op.drop_table("image_name")
    op.execute("DROP FUNCTION compared")
