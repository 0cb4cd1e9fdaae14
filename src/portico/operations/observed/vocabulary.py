"""Words that tell instructions from values. Data: extend it where templates fold wrongly."""

from typing import Final


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


EMPHASIS: Final = _set(
    """a all also always and any are as at avoid be because both but by can cannot could do does
    each either else ensure every except exactly follow for from give has have how if immediately
    important in instead is it keep let make may might must neither never no nor not note of off on
    once only or otherwise our please prefer refuse remember reply respond say shall should skip so
    stay stop such than that the their them then there these they this those to under unless until
    use very warning we what when where which while who why will with without would write yes you
    your"""
)
"""Capitals on these words are emphasis, not a name."""

INSTRUCTIVE: Final = _set(
    """answer answers approach behavior behaviour boundaries capabilities constraint constraints
    do example examples format formatting goal goals guidance guideline guidelines how important
    instruction instructions language limits mission must never note notice objective objectives
    output outputs persona personality policies policy principle principles procedure process
    prompt reminder remember requirement requirements response responses role rule rules safety
    scope should standards step steps style system task tasks tone workflow always don't
    """
)
"""A heading, label or tag with one of these is followed by instructions."""

DATA: Final = _set(
    """account article articles attachment background below chat citations comments content
    context contents conversation customer data details doc document documents email emails
    excerpt excerpts facts following history information input knowledge letter log logs memory
    message messages metadata notes order page passage passages profile query question record
    records report results review reviews search source sources snippet snippets story text
    thread ticket tickets transcript user"""
)
"""A label with one of these announces data."""

CONNECTING: Final = _set(
    """a an and at by da de del der di du el en et for in la le of on or the to und van von y
    am pm st nd rd th"""
)
"""Small words inside of names and dates."""

PLAIN_VALUES: Final = _set("true false null none nil yes no n/a unknown")

ABBREVIATED: Final = _set(
    "dr mr mrs ms prof inc ltd co corp st no jr sr vs gmbh ag dept ave blvd mt ft eg ie"
)
"""A full stop after these ends no sentence."""
