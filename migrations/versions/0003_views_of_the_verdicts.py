"""Views of the verdicts, by which a data system reads an audit's flags, and what makes them fast.

docs/formats.md describes every column.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# What was judged before thresholds could be set was judged by these.
KEEP_THRESHOLDS = """
UPDATE attribution t SET judgement = t.judgement || jsonb_build_object(
    'thresholds', '{"gap": 0.1, "stability": 0.5, "fidelity": 0.5, "background_reliance": 0.6, "fill": 0.5}'::jsonb,
    'confident_fill', (SELECT f.key FROM jsonb_each_text(e.fill_probabilities) f WHERE f.value::float > 0.5 LIMIT 1))
FROM explanation e WHERE e.id = t.explanation_id AND t.judgement IS NOT NULL
"""

FORGET_THRESHOLDS = "UPDATE attribution SET judgement = judgement - 'thresholds' - 'confident_fill'"

# What was computed at each reading before is kept now: reading 200,000 flags takes a second.
KEEP_PREDICTED = """
UPDATE explanation e SET predicted = said.key, confidence = said.value FROM explanation same CROSS JOIN LATERAL (
    SELECT p.key, p.value::float FROM jsonb_each_text(same.probabilities) p ORDER BY 2 DESC, 1 LIMIT 1) said
WHERE e.id = same.id
"""

KEEP_PLACES = """
UPDATE attribution t SET place = ordered.place FROM (
    SELECT e.id, s.label, row_number() OVER (
        PARTITION BY e.id ORDER BY (e.probabilities ->> s.label)::float DESC, s.label) AS place
    FROM attribution s JOIN explanation e ON e.id = s.explanation_id) ordered
WHERE t.explanation_id = ordered.id AND t.label = ordered.label
"""

EXPLANATION_FLAGS = """
CREATE VIEW explanation_flags AS
SELECT ae.audit_id AS audit, m.name || '@' || m.version AS model, r.name AS recipe, i.name AS image, i.sha256,
       i.label AS known_label, e.predicted, e.confidence, t.label AS explained,
       (e.probabilities ->> t.label)::float AS probability, t.place = 1 AS foremost,
       t.verdict, t.judgement #>> '{verdict,sentence}' AS sentence, t.judgement #>> '{verdict,figure}' AS figure,
       (t.judgement #>> '{verdict,value}')::float AS value, (t.judgement ->> 'gap')::float AS gap,
       t.background_reliance, (t.judgement #>> '{grounding,mask_share}')::float AS mask_share,
       (t.stability ->> 'spearman')::float AS spearman, (t.stability ->> 'top5_jaccard')::float AS top5_jaccard,
       (t.fidelity ->> 'r2_held_out')::float AS r2_held_out,
       i.label <> e.predicted AS wrong, e.confidence < 0.5 AS unsure,
       t.judgement ->> 'confident_fill' AS confident_fill, t.judgement -> 'thresholds' AS thresholds
FROM audit_explanation ae
JOIN explanation e ON e.id = ae.explanation_id
JOIN attribution t ON t.explanation_id = e.id
JOIN image i ON i.id = e.image_id
JOIN model m ON m.id = e.model_id
JOIN recipe r ON r.digest = e.recipe_digest
"""

VERDICTS = """
CREATE VIEW verdicts AS
SELECT audit, model, recipe, verdict, count(*) AS photographs,
       (count(*) / sum(count(*)) OVER (PARTITION BY audit))::float AS share
FROM explanation_flags WHERE foremost AND verdict IS NOT NULL GROUP BY audit, model, recipe, verdict
"""

# Wilson's score interval with the mean in the place of a proportion: no values within 0..1 vary more about their mean
# than zeros and ones do. Each row counts twice, for its label and for all of them.
BACKGROUND_RELIANCE = """
CREATE VIEW background_reliance AS
SELECT audit, model, recipe, label, photographs, mean,
       CASE WHEN photographs > 1 THEN greatest(center - half, 0) END AS low,
       CASE WHEN photographs > 1 THEN least(center + half, 1) END AS high
FROM (
    SELECT f.audit, f.model, f.recipe, counted.label, count(f.background_reliance) AS photographs,
           avg(f.background_reliance) AS mean
    FROM explanation_flags f CROSS JOIN LATERAL (VALUES (f.explained), (NULL)) AS counted (label)
    WHERE f.foremost GROUP BY f.audit, f.model, f.recipe, counted.label) known
CROSS JOIN LATERAL (SELECT 1.959963984540054 ^ 2 / nullif(photographs, 0)) AS z (squared_by_n)
CROSS JOIN LATERAL (
    SELECT (mean + squared_by_n / 2) / (1 + squared_by_n) AS center,
           sqrt(squared_by_n * (greatest(mean * (1 - mean), 0) + squared_by_n / 4)) / (1 + squared_by_n) AS half) wilson
"""

LOOK_FIRST = """
CREATE VIEW look_first AS
SELECT audit, row_number() OVER (
           PARTITION BY audit
           ORDER BY cardinality(reasons) DESC, background_reliance DESC NULLS LAST, confidence, image, sha256) AS rank,
       array_to_string(reasons, '; ') AS why, cardinality(reasons) AS reasons, image, sha256, model, recipe, explained,
       predicted, confidence, known_label, verdict, background_reliance
FROM explanation_flags CROSS JOIN LATERAL (
    SELECT array_remove(ARRAY[
        CASE WHEN wrong THEN 'said to be ' || predicted || ' but known as ' || known_label END,
        CASE verdict WHEN 'background' THEN 'the answer rests on the background'
                     WHEN 'unstable' THEN 'another run explains it otherwise'
                     WHEN 'unfaithful' THEN 'the explanation does not follow the model' END,
        CASE WHEN unsure THEN 'the model is only ' || round(100 * confidence::numeric) || ' % sure' END],
        NULL) AS reasons) judged
WHERE foremost AND cardinality(reasons) > 0
"""


def upgrade() -> None:
    op.execute(KEEP_THRESHOLDS)
    op.add_column("explanation", sa.Column("predicted", sa.Text(), nullable=True))
    op.add_column("explanation", sa.Column("confidence", sa.Float(), nullable=True))
    op.add_column("attribution", sa.Column("place", sa.SmallInteger(), server_default=sa.text("1"), nullable=False))
    op.execute(KEEP_PREDICTED)
    op.execute(KEEP_PLACES)
    reliance = sa.Computed("(judgement #>> '{grounding,background_reliance}')::double precision", persisted=True)
    op.add_column("attribution", sa.Column("background_reliance", sa.Float(), reliance, nullable=True))
    for view in (EXPLANATION_FLAGS, VERDICTS, BACKGROUND_RELIANCE, LOOK_FIRST):
        op.execute(view)


def downgrade() -> None:
    for name in ("look_first", "background_reliance", "verdicts", "explanation_flags"):
        op.execute(f"DROP VIEW {name}")
    op.drop_column("attribution", "background_reliance")
    op.drop_column("attribution", "place")
    op.drop_column("explanation", "confidence")
    op.drop_column("explanation", "predicted")
    op.execute(FORGET_THRESHOLDS)
