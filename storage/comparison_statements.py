"""The SQL of comparisons: see `storage.comparisons`."""

COMPARISONS = """
SELECT c.id, c.before_id AS before, c.after_id AS after, mb.name || '@' || mb.version AS model_before,
       ma.name || '@' || ma.version AS model_after, c.state, c.reason, c.outcome, c.created_at, c.finished_at,
       a.object_word, rb.body AS body_before, ra.body AS body_after,
       c.state = 'done' AND (c.removed > 0 OR coalesce(greatest(b.rejudged_at, a.rejudged_at) > c.finished_at, false))
         AS outdated, c.removed
FROM comparison c JOIN audit b ON b.id = c.before_id JOIN audit a ON a.id = c.after_id
JOIN model mb ON mb.id = b.model_id JOIN model ma ON ma.id = a.model_id
JOIN recipe rb ON rb.digest = b.recipe_digest JOIN recipe ra ON ra.digest = a.recipe_digest
"""

BETWEEN = "WHERE c.before_id = :before AND c.after_id = :after"
WITH_AUDIT = "WHERE :audit IN (c.before_id, c.after_id) ORDER BY c.id DESC LIMIT :most"

PLAN = """
INSERT INTO comparison (before_id, after_id) VALUES (:before, :after)
ON CONFLICT (before_id, after_id) DO UPDATE SET before_id = excluded.before_id RETURNING id
"""

DROP = "DELETE FROM change WHERE comparison_id = :id"

REOPEN = """
UPDATE comparison SET state = 'waiting', outcome = NULL, finished_at = NULL, lease_until = NULL, attempts = 0,
       removed = 0
WHERE id = :id
"""

DUE = """
SELECT c.id FROM comparison c JOIN audit b ON b.id = c.before_id JOIN audit a ON a.id = c.after_id
WHERE b.state = 'done' AND a.state = 'done' AND c.state = 'waiting' AND coalesce(c.lease_until < now(), true)
ORDER BY c.id
"""

BEGIN = """
UPDATE comparison SET attempts = attempts + 1, lease_until = now() + :lease * interval '1 second'
WHERE id = :id AND state = 'waiting' AND coalesce(lease_until < now(), true) RETURNING attempts
"""

CHANGE = "UPDATE comparison SET {change} WHERE id = :id AND state = 'waiting'"

RENEW = "attempts = 0, lease_until = now() + :lease * interval '1 second'"

# A photograph may have several explanations by a recipe, one for each mask that it had: each audit's own is meant.
# Driven by the photographs, page by page.
PAIRS = """
SELECT i.id AS image, eb.id AS before, ea.id AS after
FROM comparison c JOIN audit b ON b.id = c.before_id JOIN audit a ON a.id = c.after_id
CROSS JOIN image i
JOIN explanation eb ON eb.image_id = i.id AND eb.recipe_digest = b.recipe_digest
JOIN explanation ea ON ea.image_id = i.id AND ea.recipe_digest = a.recipe_digest
WHERE c.id = :id AND i.id > :after AND eb.state <> 'failed' AND ea.state <> 'failed'
  AND EXISTS (SELECT FROM attribution t WHERE t.explanation_id = eb.id)
  AND EXISTS (SELECT FROM attribution t WHERE t.explanation_id = ea.id)
  AND EXISTS (SELECT FROM audit_explanation x WHERE x.audit_id = b.id AND x.explanation_id = eb.id)
  AND EXISTS (SELECT FROM audit_explanation x WHERE x.audit_id = a.id AND x.explanation_id = ea.id)
  AND NOT EXISTS (SELECT FROM change d WHERE d.comparison_id = c.id AND d.image_id = i.id)
ORDER BY i.id LIMIT :page
"""

THERE = "SELECT id FROM image WHERE id = ANY(:images)"

CHANGES = """
SELECT d.*, i.sha256, i.name, i.label, eb.key AS key_before, ea.key AS key_after,
       coalesce(jsonb_exists(mb.labels, i.label), false) AS known_before,
       coalesce(jsonb_exists(ma.labels, i.label), false) AS known_after,
       coalesce((SELECT place FROM attribution WHERE explanation_id = eb.id AND label = d.explained_before), 1)
         AS place_before,
       coalesce((SELECT place FROM attribution WHERE explanation_id = ea.id AND label = d.explained_after), 1)
         AS place_after
FROM change d JOIN image i ON i.id = d.image_id JOIN comparison c ON c.id = d.comparison_id
JOIN audit b ON b.id = c.before_id JOIN audit a ON a.id = c.after_id
JOIN model mb ON mb.id = b.model_id JOIN model ma ON ma.id = a.model_id
JOIN explanation eb ON eb.image_id = i.id AND eb.recipe_digest = b.recipe_digest
JOIN explanation ea ON ea.image_id = i.id AND ea.recipe_digest = a.recipe_digest
WHERE d.comparison_id = :id
  AND EXISTS (SELECT FROM audit_explanation x WHERE x.audit_id = b.id AND x.explanation_id = eb.id)
  AND EXISTS (SELECT FROM audit_explanation x WHERE x.audit_id = a.id AND x.explanation_id = ea.id) AND {which}
"""

IN_ORDER = "d.image_id > :after ORDER BY d.image_id LIMIT :page"
FOREMOST = "d.changed IS NOT false AND {by} > {least} ORDER BY {by} DESC, d.image_id LIMIT :most"
ORDERS = {
    "distance": {"by": "d.distance", "least": "0"},
    "better": {"by": "d.reliance_before - d.reliance_after", "least": "0"},
    "worse": {"by": "d.reliance_after - d.reliance_before", "least": "0"},
    "contrary": {"by": "1 - d.spearman", "least": "-1"},
}

P_VALUES = """
SELECT CASE WHEN distance >= :least THEN p_value ELSE 1 END FROM change
WHERE comparison_id = :id AND p_value IS NOT NULL
"""

MARK = """
UPDATE change SET changed = CASE WHEN p_value IS NOT NULL THEN p_value <= :believed AND distance >= :least END
WHERE comparison_id = :id
"""

FINISH = """
UPDATE comparison SET state = 'done', reason = NULL, outcome = CAST(:outcome AS jsonb), finished_at = now(),
       lease_until = NULL, attempts = 0
WHERE id = :id AND (state <> 'done' OR (outcome #>> '{counts,compared}')::int < :compared)
"""
