"""The ledger's SQL. Names in it are this project's own constants; every value is a parameter."""

IN_FLIGHT = "('preparing', 'running', 'ready', 'reducing')"
SECONDS = "interval '1 second'"

# The audits that want an explanation now: the first one's number is what people see in Flower.
WANTED = """FROM audit_explanation ae JOIN audit a ON a.id = ae.audit_id
            WHERE ae.explanation_id = e.id AND a.state = 'running'"""
AUDIT = f"(SELECT min(a.id) {WANTED})"
URGENT = f"(SELECT coalesce(bool_or(a.urgent), false) {WANTED})"
IMAGE = "(SELECT i.sha256 FROM image i WHERE i.id = e.image_id)"
SHOWN = f"e.id, e.state, {IMAGE} AS image, {AUDIT} AS audit, {URGENT} AS urgent"

COUNT_IN_FLIGHT = f"SELECT count(*) FROM explanation e WHERE e.state IN {IN_FLIGHT} AND EXISTS (SELECT {WANTED})"

RUNNING_AUDITS = "SELECT id FROM audit WHERE state = 'running' ORDER BY urgent DESC, id"

# Driven by the partial index on planned rows, so that its cost does not grow with what is done already.
PRODUCE = f"""
WITH next AS (
    SELECT e.id FROM explanation e JOIN audit_explanation ae ON ae.explanation_id = e.id AND ae.audit_id = :audit
    WHERE e.state = 'planned' ORDER BY e.id LIMIT :free FOR UPDATE OF e SKIP LOCKED)
UPDATE explanation e SET state = 'preparing', attempts = 0, lease_until = now() + :lease * {SECONDS}
FROM next WHERE e.id = next.id RETURNING {SHOWN}
"""

SETTLE = """
UPDATE audit a SET state = 'done', finished_at = now() WHERE a.state = 'running' AND NOT EXISTS (
    SELECT FROM explanation e JOIN audit_explanation ae ON ae.explanation_id = e.id AND ae.audit_id = a.id
    WHERE e.state NOT IN ('done', 'failed'))
"""

CLAIM = f"""
UPDATE explanation e SET state = :state, attempts = attempts + 1, lease_until = now() + :lease * {SECONDS}
WHERE e.id = :id AND {{condition}} AND EXISTS (SELECT {WANTED}) RETURNING attempts
"""

JOB = """
SELECT e.id, e.key, i.sha256 AS image, i.mask_sha256 AS mask, e.model_id AS model, r.body AS recipe, e.scene, e.probes
FROM explanation e JOIN image i ON i.id = e.image_id JOIN recipe r ON r.digest = e.recipe_digest WHERE e.id = :id
"""

OPEN_ROUND = f"""
UPDATE explanation SET state = 'running', scene = :scene, probes = probes || CAST(:probe AS jsonb), attempts = 0,
       parts_total = :total, parts_done = 0, lease_until = now() + :lease * {SECONDS}
WHERE id = :id AND state IN ('preparing', 'reducing') AND jsonb_array_length(probes) = :round
"""

INSERT_PART = """
INSERT INTO part (explanation_id, round, number, start, stop) VALUES (:id, :round, :number, :start, :stop)
"""

MISSING_PARTS = f"""
SELECT {SHOWN}, p.round, p.number AS part, e.parts_total AS parts
FROM explanation e JOIN part p ON p.explanation_id = e.id AND p.round = jsonb_array_length(e.probes) - 1
WHERE e.id = :id AND p.scores IS NULL ORDER BY p.number
"""

TAKE_PART = f"""
UPDATE part p SET attempts = p.attempts + 1 FROM explanation e
WHERE p.explanation_id = :id AND p.round = :round AND p.number = :number AND p.scores IS NULL
  AND e.id = p.explanation_id AND e.state = 'running' AND EXISTS (SELECT {WANTED})
RETURNING p.start, p.stop, p.attempts
"""

RECORD_PART = """
UPDATE part SET scores = :scores, seconds = :seconds
WHERE explanation_id = :id AND round = :round AND number = :number AND scores IS NULL
"""

COUNT_PART = f"""
UPDATE explanation e SET parts_done = parts_done + 1, lease_until = now() + :lease * {SECONDS},
       state = CASE WHEN parts_done + 1 = parts_total AND state = 'running' THEN 'ready' ELSE state END,
       attempts = CASE WHEN parts_done + 1 = parts_total THEN 0 ELSE attempts END
WHERE e.id = :id RETURNING {SHOWN}
"""

SCORES = "SELECT round, scores FROM part WHERE explanation_id = :id ORDER BY round, number"

FINISH = """
UPDATE explanation SET state = 'done', finished_at = now(), lease_until = NULL, reason = NULL, attempts = 0,
       probabilities = CAST(:probabilities AS jsonb), fill_probabilities = CAST(:fill AS jsonb), evaluations = :evaluations,
       mask_area = :mask_area
WHERE id = :id AND state = 'reducing'
"""

# A moving average over photographs of how fast one process answers, from the parts that are dropped.
DROP_PARTS = """
WITH gone AS (DELETE FROM part WHERE explanation_id = :id RETURNING stop - start AS n, seconds),
     seen AS (SELECT sum(n) / nullif(sum(seconds), 0) AS rate FROM gone)
UPDATE model SET rate = coalesce(0.8 * model.rate + 0.2 * seen.rate, seen.rate, model.rate)
FROM seen WHERE model.id = (SELECT model_id FROM explanation WHERE id = :id)
"""

OVERDUE = f"""
WITH late AS (
    SELECT e.id FROM explanation e
    WHERE e.state IN {IN_FLIGHT} AND e.lease_until < now() AND EXISTS (SELECT {WANTED})
    ORDER BY e.lease_until LIMIT :most FOR UPDATE SKIP LOCKED)
UPDATE explanation e SET lease_until = now() + :lease * {SECONDS},
       state = CASE WHEN e.state = 'reducing' THEN 'ready' ELSE e.state END
FROM late WHERE e.id = late.id RETURNING {SHOWN}
"""

FAIL = """
UPDATE explanation SET state = 'failed', reason = :reason, finished_at = now(), lease_until = NULL
WHERE id = :id AND state NOT IN ('done', 'failed')
"""

FORGIVE = "UPDATE explanation SET attempts = greatest(attempts - 1, 0) WHERE id = :id"

FORGIVE_PART = """
UPDATE part SET attempts = greatest(attempts - 1, 0)
WHERE explanation_id = :id AND round = :round AND number = :number
"""
