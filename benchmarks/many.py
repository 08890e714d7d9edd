"""Many: an archive of as many explained photographs as are asked for, made of a few that real workers have explained.

Each row is what the workers wrote of one of the few, but for its photograph, its labels, its confidence and the answers
of its judgement, which are made up.
"""

from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, text

from benchmarks.live_stack import Stand, jpeg
from benchmarks.subjects import photographs
from storage.archive import Archive, Photograph
from storage.blobs import open_blobs
from storage.keys import image_key

FILES = 200  # photographs with a file, which can be drawn

# Of an audit's explanations, as many rows as are asked for, each like one of them; every value below is of this table.
_MADE = """
CREATE TEMP TABLE made ON COMMIT DROP AS
SELECT n, encode(sha256(convert_to('photograph ' || n, 'UTF8')), 'hex') AS sha256,
       encode(sha256(convert_to('explanation ' || n, 'UTF8')), 'hex') AS key, few.id AS few,
       m.labels ->> (mod(n, jsonb_array_length(m.labels))) AS known,
       m.labels ->> (mod(n / 7, jsonb_array_length(m.labels))) AS predicted, 0.34 + 0.66 * random() AS confidence,
       random() AS reliance, (ARRAY['object', 'background', 'both', 'unknown'])[1 + mod(n / 3, 4)] AS basis,
       (ARRAY['sound', 'sound', 'sound', 'doubtful'])[1 + mod(n / 5, 4)] AS soundness
FROM generate_series(1, CAST(:many AS int)) n CROSS JOIN (
    SELECT array_agg(explanation_id ORDER BY explanation_id) AS ids FROM audit_explanation WHERE audit_id = :audit) a
JOIN explanation few ON few.id = a.ids[1 + mod(n, cardinality(a.ids))] JOIN model m ON m.id = few.model_id
"""

_IMAGES = """
INSERT INTO image (sha256, name, width, height, bytes, label)
SELECT made.sha256, 'line ' || mod(n, 500) || '/20240501-' || lpad(n::text, 6, '0') || '.jpg', i.width, i.height,
       i.bytes, made.known
FROM made JOIN explanation e ON e.id = made.few JOIN image i ON i.id = e.image_id ORDER BY n
"""

_EXPLANATIONS = """
INSERT INTO explanation (key, image_id, model_id, recipe_digest, state, scene, evaluations, probabilities,
                         fill_probabilities, predicted, confidence, finished_at)
SELECT made.key, i.id, e.model_id, e.recipe_digest, 'done', e.scene, e.evaluations, e.probabilities,
       e.fill_probabilities, made.predicted, made.confidence, now()
FROM made JOIN explanation e ON e.id = made.few JOIN image i ON i.sha256 = made.sha256 ORDER BY n
"""

_ATTRIBUTIONS = """
INSERT INTO attribution (explanation_id, label, weights, std_error, weights_by_seed, intercept, fidelity, stability,
                         judgement, place, claims)
SELECT e.id, made.predicted, t.weights, t.std_error, t.weights_by_seed, t.intercept, t.fidelity, t.stability,
       t.judgement || jsonb_build_object(
           'grounding', jsonb_build_object(
               'mask_area', 0.2, 'mask_share', 1 - reliance, 'background_reliance', reliance),
           'basis', t.judgement -> 'basis' || jsonb_build_object('word', made.basis),
           'soundness', t.judgement -> 'soundness' || jsonb_build_object('word', made.soundness, 'reason',
               CASE made.soundness WHEN 'doubtful' THEN 'unstable' END)), 1, t.claims
FROM made JOIN explanation e ON e.key = made.key JOIN attribution t ON t.explanation_id = made.few AND t.place = 1
"""

_WANTED = "INSERT INTO audit_explanation SELECT :audit, e.id FROM made JOIN explanation e ON e.key = made.key"

_FILES = """
SELECT made.sha256, i.sha256 AS few FROM made JOIN explanation e ON e.id = made.few JOIN image i ON i.id = e.image_id
WHERE mod(n, greatest((SELECT max(n) FROM made) / :files, 1)) = 0 ORDER BY n
"""


def multiply(here: Stand, audit: int, many: int) -> list[str]:
    """Let an audit have so many photographs more, all of them explained; the SHA-256 of those that have a file."""
    values = {"audit": audit, "many": many, "files": FILES}
    with here.engine.begin() as c:
        for statement in (_MADE, _IMAGES, _EXPLANATIONS, _ATTRIBUTIONS, _WANTED):
            c.execute(text(statement), values)
        files = [_file(c, here, row) for row in c.execute(text(_FILES), values).all()]
    with here.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
        c.execute(text("VACUUM ANALYZE"))
    return files


def _file(c: Connection, here: Stand, row: Row[Any]) -> str:
    """Give a photograph a file, which is that of one of the few with its own digest behind it; the file's SHA-256."""
    blobs = open_blobs(here.environment["POLELENS_BLOBS"])
    data = blobs.get(image_key(row.few)) + row.sha256.encode()
    digest = sha256(data).hexdigest()
    blobs.put(image_key(digest), data)
    c.execute(text("UPDATE image SET sha256 = :digest WHERE sha256 = :was"), {"digest": digest, "was": row.sha256})
    return digest


def add_fresh(here: Stand, number: int) -> None:
    """Have so many photographs more that nobody has explained: one, with a square of another grey in each."""
    archive = Archive(here.engine, open_blobs(here.environment["POLELENS_BLOBS"]))
    [pixels] = photographs(1)
    for one in range(number):
        pixels[: 8 * (1 + one // 256), :8] = one % 256
        archive.add(Photograph(f"fresh/{one:04}.jpg", jpeg(pixels)))
