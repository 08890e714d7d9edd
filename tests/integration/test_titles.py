"""What audits are called: names, notes, tags, who started them; and the list that is searched by them."""

from collections.abc import Callable

import pytest
from sqlalchemy import event, text

from pipeline.recipe import Recipe
from storage.listing import Which, listed
from storage.planning import Wanted
from storage.policies import Policies
from storage.reaudits import Order
from storage.schedules import Schedules, Timing
from storage.title import LONGEST_NAME, MOST_TAGS, Title
from tests.played_ledger import Desk

RECIPE = Recipe("default")
SPRING = Title("spring round", "before the cameras were cleaned", ("north", "dry"), "kari")


def test_an_audit_keeps_its_title_and_can_be_called_something_else(desk: Desk) -> None:
    """Tags are a set; who started it stays whatever it is called."""
    desk.photographs("a")
    number = desk.audits.begin(desk.model, Wanted(RECIPE, "all", title=SPRING))
    assert desk.audits.get(number).title == SPRING
    assert SPRING.tags == ("dry", "north")
    desk.audits.retitle(number, Title("autumn", "", ("wet", "wet")))
    assert desk.audits.get(number).title == Title("autumn", "", ("wet",), "kari")
    with pytest.raises(ValueError, match="there is no audit 99"):
        desk.audits.retitle(99, SPRING)


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        (lambda: Title("x" * (LONGEST_NAME + 1)), "one line of up to 100 characters"),
        (lambda: Title("a\nb"), "one line"),
        (lambda: Title(note="x" * 2001), "note has 2,001 characters"),
        (lambda: Title(tags=("a b",)), "expected a word"),
        (lambda: Title(tags=("a,b",)), "expected a word"),
        (lambda: Title(tags=("",)), "expected a word"),
        (lambda: Title(tags=tuple(map(str, range(MOST_TAGS + 1)))), "21 tags, expected up to 20"),
    ],
)
def test_what_no_list_can_show_is_no_title(title: Callable[[], Title], reason: str) -> None:
    """Each is refused with what was expected."""
    with pytest.raises(ValueError, match=reason):
        title()


def test_a_start_that_is_refused_takes_no_number(desk: Desk) -> None:
    """The next audit has the number after the last that there is."""
    desk.photographs("a")
    first = desk.audits.start(desk.model, RECIPE)
    for selection, recipe in (("b*", RECIPE), ("all", Recipe("default", labels=("maybe",)))):
        with pytest.raises(ValueError):
            desk.audits.start(desk.model, recipe, selection)
    with pytest.raises(ValueError, match=f"audit {first} has explained nothing yet"):
        desk.audits.refit(first, desk.model, Recipe("default", judge=False, kernel_width=0.5))
    assert desk.audits.start(desk.model, RECIPE, "a") == first + 1


def test_what_starts_itself_says_whose_order_it_is(desk: Desk) -> None:
    """A policy's and a schedule's audits have the order's title; one made by hand has none unless it is given."""
    desk.photographs("a")
    order = Order(RECIPE, title=Title("each week", "for the board", ("weekly",)))
    policies, schedules = Policies(desk.engine), Schedules(desk.engine)
    policies.set("planted", order)
    made = schedules.add("planted", Timing("* * * * *"), order)
    assert policies.get("planted").order.title == made.order.title == order.title
    with desk.engine.begin() as c:
        c.execute(text("UPDATE policy SET handled = 0"))
        c.execute(text("UPDATE schedule SET since = since - interval '1 hour'"))
    [first], [second] = policies.answer(), schedules.tick()
    titles = [desk.audits.get(one.audit).title for one in (first, second)]
    assert titles == [order.title.by("policy planted"), order.title.by(f"schedule {made.id}")]


def test_the_list_is_one_query_and_finds_what_is_asked(desk: Desk) -> None:
    """However many audits there are; each filter alone, and all of them at once."""
    desk.photographs("a", "b")
    spring = desk.audits.begin(desk.model, Wanted(RECIPE, "a", title=SPRING))
    autumn = desk.audits.begin(desk.model, Wanted(RECIPE, "all", title=Title("100% autumn", tags=("north",))))
    desk.audits.cancel(autumn)
    asked = {
        (spring, autumn): Which(model="planted"),
        (): Which(model="planted@2"),
        (spring,): Which(name="SPRING*", tags=("north", "dry"), by="kari", state="running", model="planted@1"),
        (autumn,): Which(most=1),
        (autumn, 0): Which(state="cancelled"),
        (0, autumn): Which(name="100%*"),
        (0, 0, 0): Which(name="1_0%*"),
        (0, spring, autumn): Which(tags=("north",)),
    }
    statements = list[str]()
    event.listen(desk.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    for expected, which in asked.items():
        found = [audit.id for audit, _ in listed(desk.engine, which)]
        assert found == sorted(filter(None, expected), reverse=True)
    assert len(statements) == len(asked)
    for audit, progress in listed(desk.engine, Which()):
        assert progress == desk.audits.progress(audit.id)
        assert audit == desk.audits.get(audit.id)
