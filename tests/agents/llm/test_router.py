import pytest

from agents import preparation
from agents.llm.router import DEFAULTS, MESSAGES_KNOWN, Circumstances, Rule, ask_intents, first_fit, rules_of_tenant
from agents.models import RoutingRule
from chat.queries import HISTORY_MESSAGES

LONG = Rule("long", min_characters=300)


async def fit(rules, asked, *intents):
    """The name of the rule that decides, and how often the intents were looked at."""
    looked = []

    async def find():
        looked.append(1)
        return intents

    rule = await first_fit(rules, asked, find)
    return rule and rule.name, len(looked)


@pytest.mark.parametrize(
    ("rule", "fits", "fits_not"),
    [
        (LONG, Circumstances(characters=300), Circumstances(characters=299)),
        (Rule("r", min_messages=4), Circumstances(messages=4), Circumstances(messages=3)),
        (Rule("r", min_tools=2), Circumstances(tools=2), Circumstances(tools=1)),
        (Rule("r", failed_before=True), Circumstances(failed_before=True), Circumstances()),
        (Rule("r", languages=("de", "fr")), Circumstances(language="fr"), Circumstances(language="en")),
        (
            Rule("r", min_characters=5, min_messages=1),
            Circumstances(characters=5, messages=1),
            Circumstances(characters=5),
        ),
    ],
)
async def test_all_conditions_must_hold(rule, fits, fits_not):
    assert await fit([rule], fits) == (rule.name, 0)
    assert await fit([rule], fits_not) == (None, 0)


async def test_a_rule_without_conditions_always_fits():
    assert await fit([Rule("all")], Circumstances()) == ("all", 0)
    assert await fit([], Circumstances()) == (None, 0)


async def test_the_first_rule_that_fits_decides():
    stays = Rule("greetings stay", intents=("general",), strong=False)
    assert await fit([stays, Rule("all")], Circumstances(), "general") == ("greetings stay", 1)
    assert await fit([stays, Rule("all")], Circumstances(), "refund") == ("all", 1)
    assert await fit([Rule("all"), stays], Circumstances(), "general") == ("all", 0)


async def test_intents_are_looked_at_only_where_they_decide():
    rule = Rule("r", intents=("complaint", "refund"), min_characters=100)
    assert await fit([rule], Circumstances(characters=99), "refund") == (None, 0)
    assert await fit([rule], Circumstances(characters=100), "delivery", "refund") == ("r", 1)
    assert await fit([rule], Circumstances(characters=100)) == (None, 1)


async def test_the_defaults_wait_for_nothing():
    assert not ask_intents(DEFAULTS)
    assert await fit(DEFAULTS, Circumstances(characters=60, messages=3, tools=2)) == (None, 0)
    assert await fit(DEFAULTS, Circumstances(failed_before=True)) == ("Second try", 0)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Rule("r"), "Messages go to the strong model."),
        (Rule("r", strong=False, intents=("general",)), "Messages about general stay with the primary model."),
        (
            Rule("r", intents=("complaint",), languages=("de",), min_characters=300),
            "Messages about complaint in German of 300 characters or more go to the strong model.",
        ),
        (
            Rule("r", languages=("en", "fr", "xx"), min_messages=4, min_tools=2, failed_before=True),
            (
                "Messages in English, French or xx after 4 messages or more and 2 calls of tools or more and a reply "
                "that failed, did not know or was rated badly go to the strong model."
            ),
        ),
    ],
)
def test_a_rule_is_said_in_plain_words(rule, said):
    assert str(rule) == said


def test_no_rule_can_ask_for_more_messages_than_the_agent_is_told_of():
    assert MESSAGES_KNOWN == HISTORY_MESSAGES


def test_a_tenant_without_rows_has_the_defaults(scope):
    assert rules_of_tenant() == DEFAULTS


def test_rows_take_the_place_of_the_defaults_in_their_order(scope):
    RoutingRule.objects.create(position=2, name="second", intents=["refund"], languages="de")
    RoutingRule.objects.create(position=1, name="first", min_characters=300, min_messages=None, strong=False)
    RoutingRule.objects.create(position=0, name="off", active=False)
    assert rules_of_tenant() == (
        Rule("first", min_characters=300, strong=False),
        Rule("second", intents=("refund",)),
    )
    assert preparation.tenant_settings(scope.pk).routing_rules == rules_of_tenant()


def test_a_tenant_that_switched_all_rules_off_has_none(scope):
    RoutingRule.objects.create(name="off", active=False)
    assert rules_of_tenant() == ()
