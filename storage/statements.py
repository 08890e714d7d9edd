"""The ledger's SQL. Names in it are this project's own constants; every value is a parameter."""

IN_FLIGHT = "('preparing', 'running', 'ready', 'reducing')"
SECONDS = "interval '1 second'"

# Judged anew, an explanation goes through all its steps again: its earlier answer stands until the new one is there.
ANSWERED = "EXISTS (SELECT FROM attribution t WHERE t.explanation_id = e.id OFFSET 0)"
STANDING = f"(e.state NOT IN ('done', 'failed') AND {ANSWERED})"
STATE = f"(CASE WHEN {STANDING} THEN 'done' ELSE e.state END)"

# The audits that want an explanation now: the first one's number is what people see in Flower.
# OFFSET 0 keeps the planner from turning EXISTS into a join: from row to row it costs microseconds whatever the
# statistics say, a hash of all the archive's rows a second.
WANTED = """FROM audit_explanation ae JOIN audit a ON a.id = ae.audit_id
            WHERE ae.explanation_id = e.id AND a.state = 'running'"""
IS_WANTED = f"EXISTS (SELECT {WANTED} OFFSET 0)"
AUDIT = f"(SELECT min(a.id) {WANTED})"
URGENT = f"(SELECT coalesce(bool_or(a.urgent), false) {WANTED})"
PHOTOGRAPH = "(SELECT i.name FROM image i WHERE i.id = e.image_id)"
SHOWN = f"e.id, e.state, {PHOTOGRAPH} AS photograph, {AUDIT} AS audit, {URGENT} AS urgent"

COUNT_IN_FLIGHT = f"SELECT count(*) FROM explanation e WHERE e.state IN {IN_FLIGHT} AND {IS_WANTED}"

RUNNING_AUDITS = "SELECT id FROM audit WHERE state = 'running' ORDER BY urgent DESC, id"

IN_AUDIT = "EXISTS (SELECT FROM audit_explanation ae WHERE ae.audit_id = {audit} AND ae.explanation_id = e.id OFFSET 0)"

# Driven by the partial index on planned rows, so that its cost does not grow with what is done already.
PRODUCE = f"""
WITH next AS (
    SELECT e.id FROM explanation e WHERE e.state = 'planned' AND {IN_AUDIT.format(audit=":audit")}
    ORDER BY e.id LIMIT :free FOR NO KEY UPDATE SKIP LOCKED)
UPDATE explanation e SET state = 'preparing', attempts = 0, since = now(), lease_until = now() + :lease * {SECONDS}
FROM next WHERE e.id = next.id RETURNING {SHOWN}
"""

# Cheap questions first, as this is asked after every photograph: an audit's last one is planned almost to the end, few
# are in flight, and only then are all that are planned, for this or another audit, gone through.
ENDED = f"""a.state = 'running' AND CASE
  WHEN (SELECT e.state NOT IN ('done', 'failed') FROM explanation e WHERE e.id = (
        SELECT max(ae.explanation_id) FROM audit_explanation ae WHERE ae.audit_id = a.id)) THEN false
  WHEN EXISTS (SELECT FROM explanation e WHERE e.state IN {IN_FLIGHT} AND {IN_AUDIT.format(audit="a.id")}) THEN false
  ELSE NOT EXISTS (SELECT FROM explanation e WHERE e.state = 'planned' AND {IN_AUDIT.format(audit="a.id")}) END"""

ENDED_AUDITS = f"SELECT a.id FROM audit a WHERE {ENDED}"

LOCK_AUDITS = "SELECT FROM audit WHERE id = ANY(:audits) ORDER BY id FOR NO KEY UPDATE"

# An end, or a pause, is written down with its notice, or not at all.
END = """
WITH ended AS (UPDATE audit a SET {change} RETURNING a.id, a.state)
INSERT INTO notice (audit_id, state) SELECT id, state FROM ended
"""

SETTLE = END.format(change=f"state = 'done', finished_at = now() WHERE a.id = ANY(:audits) AND {ENDED}")

CANCEL = END.format(change="state = 'cancelled' WHERE a.id = :id AND a.state IN ('running', 'paused')")

# What was under way when an audit stopped is handed out again at once when it goes on.
LAPSE = f"""
UPDATE explanation e SET lease_until = now() FROM audit_explanation ae
WHERE ae.audit_id = ANY(:audits) AND ae.explanation_id = e.id AND e.state IN {IN_FLIGHT}
"""

CLAIM = f"""
UPDATE explanation e SET state = :state, attempts = attempts + 1, lease_until = now() + :lease * {SECONDS}
WHERE e.id = :id AND {{condition}} AND e.attempts < :attempts AND {IS_WANTED}
"""

JOB = f"""
SELECT e.id, e.key, i.sha256 AS image, e.mask_sha256 AS mask, e.model_id AS model, r.body AS recipe, e.scene, e.probes,
       s.key AS refit_of, {ANSWERED} AS answered
FROM explanation e JOIN image i ON i.id = e.image_id JOIN recipe r ON r.digest = e.recipe_digest
LEFT JOIN explanation s ON s.id = e.refit_of WHERE e.id = :id
"""

SHOW = "UPDATE explanation SET scene = :scene WHERE id = :id AND state = 'preparing'"

OPEN_ROUND = f"""
UPDATE explanation e SET state = CASE WHEN :known = :total THEN 'ready' ELSE 'running' END, scene = :scene,
       probes = probes || CAST(:probe AS jsonb), attempts = 0, parts_total = :total, parts_done = :known, since = now(),
       lease_until = now() + :lease * {SECONDS}
WHERE id = :id AND state IN ('preparing', 'reducing') AND jsonb_array_length(probes) = :round RETURNING {SHOWN}
"""

# The newest explanation of the same photograph by the same model and recipe under another mask, or none.
EARLIER = """
SELECT b.key, b.scene FROM explanation e
JOIN explanation b ON b.image_id = e.image_id AND b.recipe_digest = e.recipe_digest
JOIN model m ON m.id = e.model_id JOIN model n ON n.id = b.model_id AND n.digest = m.digest
WHERE e.id = :id AND b.scene IS NOT NULL AND b.mask_sha256 IS DISTINCT FROM e.mask_sha256
  AND EXISTS (SELECT FROM attribution t WHERE t.explanation_id = b.id)
ORDER BY b.finished_at DESC LIMIT 1
"""

TAKE_OVER = f"""
UPDATE explanation e SET state = 'ready', scene = s.scene, attempts = 0, lease_until = now() + :lease * {SECONDS}
FROM explanation s WHERE e.id = :id AND e.state = 'preparing' AND s.id = e.refit_of RETURNING {SHOWN}
"""

INSERT_PART = """
INSERT INTO part (explanation_id, round, number, start, stop, scores)
VALUES (:id, :round, :number, :start, :stop, :scores)
"""

MISSING_PARTS = f"""
SELECT {SHOWN}, p.round, p.number AS part, e.parts_total AS parts
FROM explanation e JOIN part p ON p.explanation_id = e.id AND p.round = jsonb_array_length(e.probes) - 1
WHERE e.id = :id AND p.scores IS NULL ORDER BY p.number
"""

# Whoever changes parts has locked their explanation before, so that no two wait for each other.
LOCK = "SELECT FROM explanation WHERE id = :id FOR NO KEY UPDATE"

# For parts alone: nobody waits for the disk, and a Postgres that dies forgets at most those of its last second. Nothing
# outside of Postgres is made of them, and whatever is committed later keeps them, as its log is in order.
UNFLUSHED = "SET LOCAL synchronous_commit TO off"

START_PART = f"""
UPDATE explanation e SET lease_until = now() + :lease * {SECONDS}
WHERE e.id = :id AND e.state = 'running' AND {IS_WANTED}
"""

UNANSWERED = "explanation_id = :id AND round = :round AND number = :number AND scores IS NULL"

TAKE_PART = f"""
UPDATE part SET attempts = attempts + 1 WHERE {UNANSWERED} AND attempts < :attempts RETURNING id, start, stop
"""

# A part of an earlier run, before the explanation failed and was tried again, has another id.
RECORD_PART = f"UPDATE part SET scores = :scores, seconds = :seconds WHERE {UNANSWERED} AND id = :part"

COUNT_PART = f"""
UPDATE explanation e SET parts_done = parts_done + 1, lease_until = now() + :lease * {SECONDS},
       state = CASE WHEN parts_done + 1 = parts_total AND state = 'running' THEN 'ready' ELSE state END,
       attempts = CASE WHEN parts_done + 1 = parts_total THEN 0 ELSE attempts END,
       since = CASE WHEN parts_done + 1 = parts_total THEN now() ELSE since END
WHERE e.id = :id RETURNING {SHOWN}
"""

SCORES = "SELECT round, start, scores FROM part WHERE explanation_id = :id ORDER BY round, number"

# What parts cost, in evaluations: a row of a reading counts as its probe says.
COST = """(p.stop - p.start) * coalesce((SELECT e.probes -> p.round -> 'reading' -> 'cost' FROM explanation e
                                       WHERE e.id = p.explanation_id)::int, 1)"""

# What was known is no evaluation: no worker has spent a second on it.
FINISH = f"""
UPDATE explanation SET state = 'done', finished_at = now(), lease_until = NULL, reason = NULL, attempts = 0,
       probabilities = CAST(:probabilities AS jsonb), fill_probabilities = CAST(:fill AS jsonb),
       fill_choice = CAST(:choice AS jsonb),
       inside = CAST(:inside AS jsonb),
       evaluations = :evaluations - (SELECT coalesce(sum({COST}), 0) FROM part p
                                     WHERE explanation_id = :id AND scores IS NOT NULL AND seconds IS NULL),
       predicted = :predicted, confidence = :confidence
WHERE id = :id AND state = 'reducing'
"""

# And how fast they were answered: see `storage.rates`.
DROP_PARTS = f"""
WITH gone AS (DELETE FROM part p WHERE explanation_id = :id RETURNING {COST} AS n, seconds)
SELECT sum(n) / nullif(sum(seconds), 0) FROM gone WHERE seconds IS NOT NULL
"""

# An audit that is judged anew under another mask has both explanations of a photograph until the new one has its answer,
# or has failed: then the one before stays, and says why.
SUPERSEDE = """
DELETE FROM audit_explanation old USING audit_explanation mine, explanation e, explanation b
WHERE e.id = :id AND b.image_id = e.image_id AND b.id <> e.id AND mine.explanation_id = e.id
  AND old.explanation_id = b.id AND old.audit_id = mine.audit_id
"""

FALL_BACK = """
WITH gone AS (
    DELETE FROM audit_explanation mine USING audit_explanation other, explanation e, explanation b
    WHERE e.id = :id AND b.image_id = e.image_id AND b.id <> e.id AND mine.explanation_id = e.id
      AND other.explanation_id = b.id AND other.audit_id = mine.audit_id RETURNING b.id)
UPDATE explanation SET reason = :reason WHERE id IN (SELECT id FROM gone)
"""

OVERDUE = f"""
WITH late AS (
    SELECT e.id FROM explanation e
    WHERE e.state IN {IN_FLIGHT} AND e.lease_until < now() AND {IS_WANTED}
    ORDER BY e.lease_until LIMIT :most FOR NO KEY UPDATE SKIP LOCKED)
UPDATE explanation e SET lease_until = now() + :lease * {SECONDS},
       state = CASE WHEN e.state = 'reducing' THEN 'ready' ELSE e.state END
FROM late WHERE e.id = late.id RETURNING {SHOWN}, e.attempts, (
    SELECT min(p.number) FROM part p
    WHERE p.explanation_id = e.id AND p.scores IS NULL AND p.attempts >= :attempts) AS dead_part
"""

OVERDUE_SECONDS = f"""
SELECT coalesce(extract(epoch FROM now() - min(e.lease_until)), 0)::float FROM explanation e
WHERE e.state IN {IN_FLIGHT} AND e.lease_until < now() AND {IS_WANTED}
"""

# What has an answer keeps it, and says why it has no newer one.
FAIL = f"""
UPDATE explanation e SET state = CASE WHEN {ANSWERED} THEN 'done' ELSE 'failed' END, reason = :reason,
       finished_at = CASE WHEN {ANSWERED} THEN finished_at ELSE now() END, lease_until = NULL
WHERE id = :id AND state = ANY(:states)
"""

IS_UNANSWERED = f"SELECT EXISTS (SELECT FROM part WHERE {UNANSWERED})"

# Whoever holds a reduction lets go of it; who says so late may not hold it any more.
FORGIVE = """
UPDATE explanation SET attempts = greatest(attempts - 1, 0),
       state = CASE WHEN state = 'reducing' AND :holding THEN 'ready' ELSE state END
WHERE id = :id AND state IN ('preparing', 'reducing')
"""

FORGIVE_PART = """
UPDATE part SET attempts = greatest(attempts - 1, 0)
WHERE explanation_id = :id AND round = :round AND number = :number
"""

_ADD = "ON CONFLICT (what, model_id) DO UPDATE SET n = tally.n + excluded.n"

# Rows in one order, so that no two transactions wait for each other.
COUNT = f"""
INSERT INTO tally (what, model_id, n)
SELECT :what, model_id, count(*) FROM explanation WHERE id = ANY(:ids) GROUP BY model_id ORDER BY model_id {_ADD}
"""

COUNT_DONE = f"""
INSERT INTO tally (what, model_id, n)
SELECT counted.what, e.model_id, counted.n FROM explanation e
CROSS JOIN (SELECT count(seconds) AS n, coalesce(sum(seconds), 0) AS seconds,
                   coalesce(sum({COST}) FILTER (WHERE seconds IS NOT NULL), 0) AS asked
            FROM part p WHERE explanation_id = :id) parts
CROSS JOIN LATERAL (VALUES ('evaluations', parts.asked::float), ('parts', parts.n), ('photographs', :new),
                           ('seconds', parts.seconds)) AS counted (what, n)
WHERE e.id = :id ORDER BY counted.what {_ADD}
"""

COUNTED = """
SELECT m.name || '@' || m.version AS model, t.what, t.n
FROM model m LEFT JOIN tally t ON t.model_id = m.id ORDER BY m.id, t.what
"""

RATES = """
SELECT m.name || '@' || m.version AS model, 'f32' AS precision, m.rate FROM model m WHERE m.rate IS NOT NULL
UNION ALL
SELECT m.name || '@' || m.version, substring(p.device FROM '^audits in (.*)$'), p.rate
FROM pace p JOIN model m ON m.id = p.model_id WHERE p.device LIKE 'audits in %' ORDER BY 1, 2
"""

COUNT_PLANNED = """
SELECT count(*) FROM explanation e WHERE e.state = 'planned' AND e.id IN (
    SELECT ae.explanation_id FROM audit_explanation ae JOIN audit a ON a.id = ae.audit_id WHERE a.state = 'running')
"""

COUNT_AUDITS = "SELECT state, count(*) AS n FROM audit GROUP BY state"

BACKLOG = "SELECT step, photographs, tasks, answered, oldest_seconds FROM backlog"
