"""The tables. What each row means is said once, here; `ledger`, `archive`, `registry` and `audits` speak of them."""

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


def _now() -> Column[object]:
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
    _now(),
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
    _now(),
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
    _now(),
)

recipe = Table(
    "recipe",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("body", JSONB, nullable=False),
)

# One model x one recipe x a selection of photographs.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("model_id", Integer, ForeignKey("model.id"), nullable=False),
    Column("recipe_digest", Text, ForeignKey("recipe.digest"), nullable=False),
    Column("selection", Text, nullable=False),
    Column("urgent", Boolean, nullable=False, server_default=text("false")),
    Column("state", Text, nullable=False, server_default="running"),
    Column("finished_at", DateTime(timezone=True)),
    _now(),
    CheckConstraint("state IN ('running', 'done', 'cancelled')", name="state"),
)

# The end of an audit, for the webhook.
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

# One photograph under one model and one recipe; audits that meet it share it. key names that content, and its blobs.
explanation = Table(
    "explanation",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("image_id", BigInteger, ForeignKey("image.id"), nullable=False, index=True),
    Column("model_id", Integer, ForeignKey("model.id"), nullable=False),
    Column("recipe_digest", Text, ForeignKey("recipe.digest"), nullable=False),
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
    Column("predicted", Text),  # the most probable label, and its probability
    Column("confidence", Float),
    Column("finished_at", DateTime(timezone=True)),
    _now(),
    CheckConstraint(
        "state IN ('planned', 'preparing', 'running', 'ready', 'reducing', 'done', 'failed')", name="state"
    ),
    # Not on lease_until, which changes with every part: an update that touches no index stays on its page.
    Index(
        "ix_explanation_in_flight",
        "id",
        postgresql_where=text("state IN ('preparing', 'running', 'ready', 'reducing')"),
    ),
    Index("ix_explanation_planned", "id", postgresql_where=text("state = 'planned'")),
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
    Column("scores", LargeBinary),  # float32 [stop - start, c], little-endian; null until done, then never changed
    Column("id", BigInteger, Identity(always=True), nullable=False),  # another one for each run of an explanation
)

# The weights of one label.
attribution = Table(
    "attribution",
    metadata,
    Column("explanation_id", BigInteger, ForeignKey("explanation.id", ondelete="CASCADE"), primary_key=True),
    Column("label", Text, primary_key=True),
    Column("weights", ARRAY(Float), nullable=False),  # [k], by superpixel
    Column("std_error", ARRAY(Float), nullable=False),  # [k]
    Column("weights_by_seed", ARRAY(Float, dimensions=2), nullable=False),  # [seeds, k]
    Column("intercept", Float, nullable=False),
    Column("fidelity", JSONB, nullable=False),
    Column("stability", JSONB, nullable=False),
    Column("judgement", JSONB),  # see pipeline.judgement; null where the recipe did not ask for one
    Column("denoised", JSONB),  # the noise experiment, where there was one: see pipeline.attribution
    Column("verdict", Text),  # its word: trusted, unexplained, unstable, unfaithful or background
    Column("place", SmallInteger, nullable=False, server_default=text("1")),  # 1: the most probable label explained
    Column("background_reliance", Float, Computed("(judgement #>> '{grounding,background_reliance}')::float8")),
)


# What to do when a version of this model is registered: explain these photographs by this recipe.
policy = Table(
    "policy",
    metadata,
    Column("model", Text, primary_key=True),  # a name, which may have no version yet
    Column("recipe_digest", Text, ForeignKey("recipe.digest"), nullable=False),
    Column("selection", Text, nullable=False),
    Column("compare", Boolean, nullable=False),  # with the previous version, when both audits have ended
    Column("handled", Integer, nullable=False, server_default=text("0")),  # the newest model.id that it has answered
    Column("audit_id", Integer, ForeignKey("audit.id")),  # the last that it started
    Column("problem", Text),  # why it could not start one the last time
    _now(),
)

# An audit that starts itself by the clock.
schedule = Table(
    "schedule",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("model", Text, nullable=False),  # a reference: poles@2, or poles@latest for the newest at that time
    Column("cron", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("recipe_digest", Text, ForeignKey("recipe.digest"), nullable=False),
    Column("selection", Text, nullable=False),
    Column("compare", Boolean, nullable=False),
    Column("paused", Boolean, nullable=False, server_default=text("false")),
    Column("since", DateTime(timezone=True), nullable=False, server_default=func.now()),  # due times before it are void
    _now(),
)

# A due time that was answered: once, however many beats tick.
schedule_run = Table(
    "schedule_run",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("schedule_id", Integer, ForeignKey("schedule.id", ondelete="CASCADE"), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("audit_id", Integer, ForeignKey("audit.id")),
    Column("problem", Text),  # why no audit was started
    _now(),
    UniqueConstraint("schedule_id", "due_at"),
)

# Two audits of the same photographs; made when both have ended.
comparison = Table(
    "comparison",
    metadata,
    Column("id", Integer, Identity(always=True), primary_key=True),
    Column("before_id", Integer, ForeignKey("audit.id"), nullable=False),
    Column("after_id", Integer, ForeignKey("audit.id"), nullable=False),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("lease_until", DateTime(timezone=True)),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("reason", Text),
    Column("outcome", JSONB),  # see pipeline.outcome
    Column("finished_at", DateTime(timezone=True)),
    _now(),
    UniqueConstraint("before_id", "after_id"),
    CheckConstraint("state IN ('waiting', 'done', 'failed')", name="state"),
)

# A photograph of a comparison: the fields of pipeline.comparison.Change, null where there is nothing to say.
change = Table(
    "change",
    metadata,
    Column("comparison_id", Integer, ForeignKey("comparison.id", ondelete="CASCADE"), primary_key=True),
    Column("image_id", BigInteger, ForeignKey("image.id"), primary_key=True),
    Column("label_before", Text, nullable=False),
    Column("label_after", Text, nullable=False),
    Column("confidence_before", Float, nullable=False),
    Column("confidence_after", Float, nullable=False),
    Column("explained_before", Text, nullable=False),
    Column("explained_after", Text, nullable=False),
    Column("spearman", Float),
    Column("top5_jaccard", Float),
    Column("overlap", Float),
    Column("seeds_spearman", Float),
    Column("distance", Float),
    Column("noise", Float),
    Column("p_value", Float),
    Column("reliance_before", Float),
    Column("reliance_after", Float),
    Column("share_before", Float),
    Column("share_after", Float),
    Column("verdict_before", Text),
    Column("verdict_after", Text),
    Column("changed", Boolean),  # null until the comparison is done: which p-values count depends on all of them
)

# A file under a watched place, as it was seen the last time.
watched_file = Table(
    "watched_file",
    metadata,
    Column("place", Text, primary_key=True),
    Column("model", Text, primary_key=True),  # the name that it is registered under
    Column("file", Text, primary_key=True),
    Column("mark", Text, nullable=False),  # its size and time, and its ETag; another one is another file
    Column("outcome", Text),  # name@version, or why it was refused; null until it was seen twice alike
    Column("registered", Boolean, nullable=False, server_default=text("false")),
    _now(),
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
