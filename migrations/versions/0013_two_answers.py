"""Two answers instead of one verdict: columns and views of them; the verdicts given before stay what they were.

docs/formats.md describes every column of the views.
"""

from importlib import import_module

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

ANSWERS = {"soundness": "{soundness,word}", "reason": "{soundness,reason}", "basis": "{basis,word}"}

# New columns at the end. A row has a verdict, if an earlier version judged it, or the two answers.
EXPLANATION_FLAGS = """
CREATE OR REPLACE VIEW explanation_flags AS
SELECT ae.audit_id AS audit, m.name || '@' || m.version AS model, r.name AS recipe, i.name AS image, i.sha256,
       i.label AS known_label, e.predicted, e.confidence, t.label AS explained,
       (e.probabilities ->> t.label)::float AS probability, t.place = 1 AS foremost, t.verdict,
       coalesce(t.judgement #>> '{verdict,sentence}',
                concat_ws(' ', t.judgement #>> '{soundness,sentence}', t.judgement #>> '{basis,sentence}')) AS sentence,
       coalesce(t.judgement #>> '{verdict,figure}', t.judgement #>> '{soundness,figure}') AS figure,
       coalesce(t.judgement #>> '{verdict,value}', t.judgement #>> '{soundness,value}')::float AS value,
       (t.judgement ->> 'gap')::float AS gap,
       t.background_reliance, (t.judgement #>> '{grounding,mask_share}')::float AS mask_share,
       (t.stability ->> 'spearman')::float AS spearman, (t.stability ->> 'top5_jaccard')::float AS top5_jaccard,
       (t.fidelity ->> 'r2_held_out')::float AS r2_held_out,
       CASE WHEN jsonb_exists(m.labels, i.label) THEN i.label <> e.predicted END AS wrong, e.confidence < 0.5 AS unsure,
       t.judgement ->> 'confident_fill' AS confident_fill, t.judgement -> 'thresholds' AS thresholds,
       t.soundness, t.reason, t.basis, (t.judgement #>> '{grounding,mask_area}')::float AS mask_area
FROM audit_explanation ae
JOIN explanation e ON e.id = ae.explanation_id
JOIN attribution t ON t.explanation_id = e.id
JOIN image i ON i.id = e.image_id
JOIN model m ON m.id = e.model_id
JOIN recipe r ON r.digest = e.recipe_digest
"""

JUDGEMENTS = """
CREATE VIEW judgements AS
SELECT audit, model, recipe, soundness, reason, basis, mask_area IS NOT NULL AS masked, count(*) AS photographs,
       (count(*) / sum(count(*)) OVER (PARTITION BY audit))::float AS share
FROM explanation_flags WHERE foremost AND soundness IS NOT NULL
GROUP BY audit, model, recipe, soundness, reason, basis, masked
"""

# The formula of pipeline.answer.interval.of_mean, which says why; a test holds the two together. Student's quantile is
# a table up to 30 degrees of freedom, from there its expansion about the normal one (Fisher and Cornish 1960).
MEAN_INTERVAL = """
CREATE FUNCTION mean_interval(mean float, squares float, n float, groups float, OUT low float, OUT high float)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT greatest((center + squared / 2 - half) / (1 + squared), 0), least((center + squared / 2 + half) / (1 + squared), 1)
FROM (SELECT 1.959963984540054::float AS z, groups - 1 AS df, round(mean::numeric, 12)::float AS m) given
CROSS JOIN LATERAL (SELECT n * m * (1 - m) AS spread) a
CROSS JOIN LATERAL (SELECT CASE WHEN spread > 0 THEN greatest(1 - squares / spread, 0) ELSE 0 END AS less) b
CROSS JOIN LATERAL (SELECT least(less / 2, n * m, n * (1 - m)) AS unseen) u
CROSS JOIN LATERAL (SELECT n + 2 * unseen AS rows, (n * m + unseen) / (n + 2 * unseen) AS center) c
CROSS JOIN LATERAL (
    SELECT squares + n * (m - center) ^ 2 + unseen * (center ^ 2 + (1 - center) ^ 2) AS around) d
CROSS JOIN LATERAL (SELECT CASE WHEN spread > 0 THEN rows ^ 2 * center * (1 - center) / around ELSE n END AS told) e
CROSS JOIN LATERAL (
    SELECT CASE WHEN df <= 30 THEN (ARRAY[{quantiles}])[df::int]
           ELSE z + (z ^ 3 + z) / (4 * df) + (5 * z ^ 5 + 16 * z ^ 3 + 3 * z) / (96 * df ^ 2)
                + (3 * z ^ 7 + 19 * z ^ 5 + 17 * z ^ 3 - 15 * z) / (384 * df ^ 3)
                + (79 * z ^ 9 + 776 * z ^ 7 + 1482 * z ^ 5 - 1920 * z ^ 3 - 945 * z) / (92160 * df ^ 4)
           END AS student) f
CROSS JOIN LATERAL (SELECT CASE WHEN less > 0 THEN z + less * (student - z) ELSE z END ^ 2 / told AS squared) g
CROSS JOIN LATERAL (SELECT sqrt(squared * (greatest(center * (1 - center), 0) + squared / 4)) AS half) h
$$
"""
QUANTILES = (
    "12.706204736174698, 4.302652729749464, 3.182446305284263, 2.7764451051977987, 2.5705818356363146,"
    "2.4469118511449692, 2.3646242515927844, 2.3060041352041676, 2.2621571628540993, 2.2281388519649385,"
    "2.2009851600829475, 2.178812829672295, 2.1603686564610127, 2.1447866879178044, 2.131449545559775,"
    "2.1199052992212146, 2.109815577833318, 2.100922040241039, 2.0930240544083096, 2.0859634472658365,"
    "2.079613844727681, 2.073873067904024, 2.068657610419048, 2.0638985616280254, 2.0595385527532972,"
    "2.055529438642872, 2.051830516480285, 2.048407141795246, 2.0452296421327043, 2.0422724563012378"
)

# Photographs with nothing to explain have no reliance to speak of. Those of one folder and one minute, as cameras write
# it into a file's name, are a group: a second shot of a thing is no second thing, and tells no more than another one
# would. Each row counts twice, for its label and for all of them.
BACKGROUND_RELIANCE = """
CREATE OR REPLACE VIEW background_reliance AS
SELECT audit, model, recipe, label, photographs, mean,
       CASE WHEN groups > 1 THEN bounds.low END AS low, CASE WHEN groups > 1 THEN bounds.high END AS high, groups
FROM (
    SELECT audit, model, recipe, label, sum(n)::bigint AS photographs, sum(total) / nullif(sum(n), 0) AS mean,
           count(*) FILTER (WHERE n > 0) AS groups,
           greatest(sum(total ^ 2) - 2 * sum(total) / nullif(sum(n), 0) * sum(n * total)
                    + (sum(total) / nullif(sum(n), 0)) ^ 2 * sum(n ^ 2),
                    sum(squared) - sum(total) ^ 2 / nullif(sum(n), 0), 0) AS squares
    FROM (
        SELECT f.audit, f.model, f.recipe, counted.label, count(known.reliance) AS n,
               coalesce(sum(known.reliance), 0) AS total, coalesce(sum(known.reliance ^ 2), 0) AS squared
        FROM explanation_flags f CROSS JOIN LATERAL (VALUES (f.explained), (NULL)) AS counted (label)
        CROSS JOIN LATERAL (SELECT CASE WHEN coalesce(f.soundness, f.verdict) IN ('nothing to explain', 'unexplained')
                                   THEN NULL ELSE f.background_reliance END AS reliance) known
        WHERE f.foremost
        GROUP BY f.audit, f.model, f.recipe, counted.label,
                 coalesce(substring(f.image FROM '^.*[0-9]{8}[-_T ]?[0-9]{4}(?=[0-9]{2})'), f.sha256)) alike
    GROUP BY audit, model, recipe, label) known
CROSS JOIN LATERAL mean_interval(mean, squares, nullif(photographs, 0), groups) bounds
"""

LOOK_FIRST = """
CREATE OR REPLACE VIEW look_first AS
SELECT audit, row_number() OVER (
           PARTITION BY audit
           ORDER BY cardinality(reasons) DESC, background_reliance DESC NULLS LAST, confidence, image, sha256) AS rank,
       array_to_string(reasons, '; ') AS why, cardinality(reasons) AS reasons, image, sha256, model, recipe, explained,
       predicted, confidence, known_label, verdict, background_reliance, soundness, reason, basis
FROM explanation_flags CROSS JOIN LATERAL (
    SELECT array_remove(ARRAY[
        CASE WHEN wrong THEN 'said to be ' || predicted || ' but known as ' || known_label END,
        CASE WHEN 'background' IN (basis, verdict) THEN 'the answer rests on the background' END,
        CASE coalesce(reason, verdict)
            WHEN 'unstable' THEN 'another run explains it otherwise'
            WHEN 'unfaithful' THEN 'the explanation does not follow the model'
            WHEN 'few superpixels' THEN 'too few superpixels to tell an explanation from chance'
            WHEN 'neighbourhood' THEN 'hiding one part at a time contradicts the explanation'
            WHEN 'fill' THEN 'what hides the parts is an answer of its own' END,
        CASE WHEN unsure THEN 'the model is only ' || round(100 * confidence::numeric) || ' % sure' END],
        NULL) AS reasons) judged
WHERE foremost AND cardinality(reasons) > 0
"""


def upgrade() -> None:
    for name, path in ANSWERS.items():
        answer = sa.Computed(f"judgement #>> '{path}'", persisted=True)
        op.add_column("attribution", sa.Column(name, sa.Text(), answer, nullable=True))
    op.execute(MEAN_INTERVAL.replace("{quantiles}", QUANTILES))
    for view in (EXPLANATION_FLAGS, JUDGEMENTS, BACKGROUND_RELIANCE, LOOK_FIRST):
        op.execute(view)


def downgrade() -> None:
    before = import_module("migrations.versions.0003_views_of_the_verdicts")
    flags = import_module("migrations.versions.0011_names_and_labels_that_are_unknown")
    shown = flags.EXPLANATION_FLAGS.format(select=flags.SELECT, rest=flags.REST, wrong=flags.WRONG)
    for name in ("look_first", "background_reliance", "judgements", "verdicts", "explanation_flags"):
        op.execute(f"DROP VIEW {name}")
    op.execute("DROP FUNCTION mean_interval")
    for name in ANSWERS:
        op.drop_column("attribution", name)
    for view in (shown, before.VERDICTS, before.BACKGROUND_RELIANCE, before.LOOK_FIRST):
        op.execute(view)
