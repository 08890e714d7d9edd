"""The tables. What each row means is said once, here; `ledger`, `archive`, `registry` and `audits` speak of them.

Those of audits that start themselves, and of comparisons, are in `storage.reaudit_tables`; those of people and programs
that use the pages in `storage.user_tables`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def created_at() -> Column[object]:
    """When a row was made."""
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


# A version of a classifier. sha256 is the file's as given, digest that of the black box: file, labels and profile.
model = Table(
    "model",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("labels", JSONB, nullable=False),
    Column("profile", JSONB, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("batch", Boolean, nullable=False),
    Column("rate", Float),  # evaluations a second of one worker process, a moving average; sizes the parts
    created_at(),
    UniqueConstraint("name", "version"),
    UniqueConstraint("name", "digest"),
)

# How fast a device was found to answer for a model: the micro-batch that suits it, and the evaluations a second then.
pace = Table(
    "pace",
    metadata,
    Column("model_id", Integer, ForeignKey("model.id", ondelete="CASCADE"), primary_key=True),
    Column("device", Text, primary_key=True),
    Column("batch", Integer, nullable=False),
    Column("rate", Float, nullable=False),
    created_at(),
)

# What a worker was seen to run a model on: the provider, and what of the network that left to the CPU.
placement = Table(
    "placement",
    metadata,
    Column("model_id", Integer, ForeignKey("model.id", ondelete="CASCADE"), primary_key=True),
    Column("worker", Text, primary_key=True),
    Column("precision", Text, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("nodes", Integer, nullable=False),  # on the CPU, though the provider is another
    Column("share", Float, nullable=False),  # of the time of a run that they take
    Column("seen_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

# A photograph, known by its content; the bytes are in the blob images/<sha256>, its mask in masks/<mask_sha256>.
image = Table(
    "image",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("sha256", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False, index=True),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("label", Text),
    Column("mask_sha256", Text),
    created_at(),
    Index("ix_image_mask_sha256", "mask_sha256", postgresql_where=text("mask_sha256 IS NOT NULL")),
)

# Another name of a photograph: a further path at which the same content was found.
image_name = Table(
    "image_name",
    metadata,
    Column("image_id", BigInteger, ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
)

recipe = Table(
    "recipe",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("body", JSONB, nullable=False),
)

AUDIT_STATES = ("running", "paused", "done", "cancelled")

# One model x one recipe x a selection of photographs.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("model_id", Integer, ForeignKey("model.id"), nullable=False),
    Column("recipe_digest", Text, ForeignKey("recipe.digest"), nullable=False),
    Column("selection", Text, nullable=False),
    Column("urgent", Boolean, nullable=False, server_default=text("false")),
    Column("object_word", Text, nullable=False, server_default="object"),  # what its sentences call the object
    Column("name", Text, nullable=False, server_default=""),  # what people call it: see storage.title
    Column("note", Text, nullable=False, server_default=""),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
    Column("started_by", Text, nullable=False, server_default=""),
    Column("refit_of", Integer, ForeignKey("audit.id")),  # by whose scores it is answered
    Column("state", Text, nullable=False, server_default="running"),
    Column("finished_at", DateTime(timezone=True)),
    Column("paused_at", DateTime(timezone=True)),  # the last time that it was, and why: see storage.pauses
    Column("pause_reason", Text),
    Column("rejudged_at", DateTime(timezone=True)),  # the last time that answers of it were judged anew
    Column("keep", Integer),  # days after its end, when it is deleted; null: for ever
    created_at(),
    CheckConstraint(f"state IN {AUDIT_STATES}", name="state"),
    # One way: a worker of the version before, which knows nothing of pauses, may still resume and cancel.
    CheckConstraint("state <> 'paused' OR (paused_at IS NOT NULL AND pause_reason IS NOT NULL)", name="pause"),
    # Each reduction asks which go on, and every request of the endpoint is an audit.
    Index("ix_audit_running", "id", postgresql_where=text("state = 'running'")),
)

# The figures of an audit that has ended, see storage.progress: triggers drop them when a row changes that they are of.
audit_figures = Table(
    "audit_figures",
    metadata,
    Column("audit_id", Integer, ForeignKey("audit.id", ondelete="CASCADE"), primary_key=True),
    Column("photographs", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("not_rejudged", Integer, nullable=False),
    Column("evaluations", BigInteger, nullable=False),
    Column("counted_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

# The end of an audit, or its pause, for the webhook.
notice = Table(
    "notice",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("audit_id", Integer, ForeignKey("audit.id", ondelete="CASCADE"), nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("ended_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("due_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("heard_at", DateTime(timezone=True)),
)

# One photograph with its mask under one model and one recipe; audits that meet it share it. key names its blobs, and is
# the digest of that content; what was explained before masks were part of it has kept the key without.
explanation = Table(
    "explanation",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("image_id", BigInteger, ForeignKey("image.id"), nullable=False, index=True),
    Column("model_id", Integer, ForeignKey("model.id"), nullable=False),
    Column("recipe_digest", Text, ForeignKey("recipe.digest"), nullable=False),
    Column("mask_sha256", Text),  # the mask that the answer is judged by: the photograph's when this was planned
    Column("state", Text, nullable=False, server_default="planned"),
    Column("lease_until", DateTime(timezone=True)),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),  # processes that died at this step
    Column("reason", Text),
    # Another explanation of the same photograph whose scores answer this one: the model is not asked again.
    Column("refit_of", BigInteger, ForeignKey("explanation.id", ondelete="SET NULL")),
    Column("scene", Text),  # the blob scenes/<scene>
    Column("probes", JSONB, nullable=False, server_default=text("'[]'")),  # one for each round so far
    Column("parts_total", Integer, nullable=False, server_default=text("0")),  # of the present round
    Column("parts_done", Integer, nullable=False, server_default=text("0")),
    Column("since", DateTime(timezone=True)),  # when it came to its present step
    Column("evaluations", Integer, nullable=False, server_default=text("0")),
    Column("probabilities", JSONB),
    Column("fill_probabilities", JSONB),
    Column("fill_choice", JSONB),  # where the recipe's fill is auto: the one taken, and the scores of all candidates
    Column("inside", JSONB),  # where the network's inside was read: of what, and where
    Column("predicted", Text),  # the most probable label, and its probability
    Column("confidence", Float),
    Column("finished_at", DateTime(timezone=True)),
    created_at(),
    CheckConstraint(
        "state IN ('planned', 'preparing', 'running', 'ready', 'reducing', 'done', 'failed')", name="state"
    ),
    # Not on lease_until, which changes with every part: an update that touches no index stays on its page.
    Index(
        "ix_explanation_in_flight",
        "id",
        postgresql_where=text("state IN ('preparing', 'running', 'ready', 'reducing')"),
    ),
    Index("ix_explanation_confidence", "confidence"),  # the least sure first, see storage.grid
    Index("ix_explanation_planned", "id", postgresql_where=text("state = 'planned'")),
    # By these it is found what is wanted: see storage.forget.
    Index("ix_explanation_scene", "scene", postgresql_where=text("scene IS NOT NULL")),
    Index("ix_explanation_mask_sha256", "mask_sha256", postgresql_where=text("mask_sha256 IS NOT NULL")),
    Index("ix_explanation_refit_of", "refit_of", postgresql_where=text("refit_of IS NOT NULL")),
)

audit_explanation = Table(
    "audit_explanation",
    metadata,
    Column("audit_id", Integer, ForeignKey("audit.id", ondelete="CASCADE"), primary_key=True),
    Column("explanation_id", BigInteger, ForeignKey("explanation.id"), primary_key=True, index=True),
)

# A range of a probe's masks: the unit of one task. Deleted when the explanation is done.
part = Table(
    "part",
    metadata,
    Column("explanation_id", BigInteger, ForeignKey("explanation.id", ondelete="CASCADE"), primary_key=True),
    Column("round", SmallInteger, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("start", Integer, nullable=False),
    Column("stop", Integer, nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("seconds", Float),
    # Float32 [stop - start, c], or [width] where rows are summed, little-endian; null until done, then never changed.
    Column("scores", LargeBinary),
    Column("id", BigInteger, Identity(always=True), nullable=False),  # another one for each run of an explanation
)

# The weights of one label, and what else its method has: null where it has it not. A heat map is a blob.
attribution = Table(
    "attribution",
    metadata,
    Column("explanation_id", BigInteger, ForeignKey("explanation.id", ondelete="CASCADE"), primary_key=True),
    Column("label", Text, primary_key=True),
    Column("weights", ARRAY(Float), nullable=False),  # [k], by superpixel
    Column("std_error", ARRAY(Float)),  # [k]
    Column("weights_by_seed", ARRAY(Float, dimensions=2)),  # [seeds, k]
    Column("intercept", Float),
    Column("fidelity", JSONB),
    Column("stability", JSONB),
    Column("judgement", JSONB),  # see pipeline.answer.judgement; null where the recipe did not ask for one
    Column("denoised", JSONB),  # the noise experiment, where there was one: see pipeline.answer.attribution
    Column("verdict", Text),  # the one word of an earlier version; null where there are the two answers, below
    Column("place", SmallInteger, nullable=False, server_default=text("1")),  # 1: the most probable label explained
    Column("background_reliance", Float, Computed("(judgement #>> '{grounding,background_reliance}')::float8")),
    Column("rule", JSONB),  # see pipeline.answer.attribution.Rule
    Column("claims", JSONB),  # the method's own; null in rows of the time before there were any
    Column("soundness", Text, Computed("judgement #>> '{soundness,word}'")),
    Column("reason", Text, Computed("judgement #>> '{soundness,reason}'")),  # why it is doubtful
    Column("basis", Text, Computed("judgement #>> '{basis,word}'")),
    # The worst first, see storage.grid; `worry` is a function of the database's, migration 0022.
    Index(
        "ix_attribution_worst",
        text("(- worry(basis, soundness, verdict, background_reliance))"),
        "explanation_id",
        postgresql_where=text("place = 1"),
    ),
)

# What has happened since the schema was made, for monitoring; see storage.counters. A row is never taken back, so that
# a figure grows as Prometheus wants it and costs nothing to read however large the archive.
tally = Table(
    "tally",
    metadata,
    Column("what", Text, primary_key=True),
    Column("model_id", Integer, ForeignKey("model.id", ondelete="CASCADE"), primary_key=True),
    Column("n", Float, nullable=False),
)
