"""No template leaves its sandbox, changes what it is given, or runs for long."""

import pytest

from portico.contract.conversation import Json
from portico.contract.errors import InvalidRequest
from portico.contract.prompt import PromptVersion
from portico.operations.prompts import BrokenPrompt, compile_prompt

OPEN: Json = {"type": "object"}
PAIRS = "{% set t = [1, 1] %}" + "{% set t = [t, t] %}" * 60
TUPLES = "{% set t = (1, 1) %}" + "{% set t = (t, t) %}" * 60


def render(template: str, **values: Json) -> str:
    prompt = PromptVersion(name="p", template=template, variables=OPEN)
    turns = compile_prompt(prompt, "5e0c1b7d9a3f2468").render(values)
    return turns[0].text if turns else ""


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}", "{{ x.__init__.__globals__ }}", "{{ x['__class__'] }}",
        "{{ '{0.__class__}'.format(x) }}", "{{ '{x.__class__}'.format(x=x) }}",
        "{{ '{0.__class__.__mro__}'.format(1) }}", "{{ '{x.__class__}'.format_map({'x': 1}) }}",
        "{{ [x]|map(attribute='__class__')|list }}", "{{ x|attr('__class__') }}",
        "{{ ['{0.__class__}']|map('format', x)|list }}", "{{ [x]|map('attr', 'keys')|list }}",
        "{{ range.__globals__ }}", "{{ ''.join.__self__ }}", "{{ x.keys.__call__ }}",
        "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}",
        "{% macro m() %}{% endmacro %}{{ m.name }}", "{{ self._TemplateReference__context }}",
        "{% for a in [1] %}{{ loop._iterable }}{% endfor %}", "{{ super.__init__ }}",
        "{% for a in [1] %}{{ loop.__init__.__globals__ }}{% endfor %}",
        "{{ context.environment }}", "{{ environment.filters }}", "{{ lipsum() }}",
        "{{ lipsum.__globals__ }}", "{{ cycler('a') }}", "{{ joiner() }}", "{{ dict() }}",
        "{{ namespace() }}", "{{ ''.encode() }}", "{{ (1).to_bytes(4) }}", "{{ s|safe }}",
        "{{ [1]|map('#spend')|list }}", "{{ s|random }}", "{{ s|pprint }}",
        "{{ get_template('x') }}",
        "{% include 'prompts/p.md' %}", "{% import 'os' as os %}", "{% include x %}",
    ],
)  # fmt: skip
def test_nothing_outside_of_the_language_is_reached(template: str) -> None:
    with pytest.raises((InvalidRequest, BrokenPrompt)) as caught:
        render(template, x={"a": 1}, s="s")
    assert "<" not in str(caught.value)


@pytest.mark.parametrize(
    "template",
    [
        "{{ y.append(1) }}", "{{ y.clear() }}", "{{ y.sort() }}", "{{ y.pop() }}",
        "{{ y.extend(y) }}",
        "{{ x.update({'b': 2}) }}", "{{ x.pop('a') }}", "{{ x.setdefault('b', 1) }}",
        "{{ x.clear() }}", "{% set x.a = 2 %}", "{{ y.__setitem__(0, 1) }}",
    ],
)  # fmt: skip
def test_what_is_passed_in_cannot_be_changed(template: str) -> None:
    x: dict[str, Json] = {"a": 1}
    y: list[Json] = [2, 1]
    with pytest.raises((InvalidRequest, BrokenPrompt)):
        render(template, x=x, y=y)
    assert (x, y) == ({"a": 1}, [2, 1])


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'a' * 10 ** 9 }}", "{{ 10 ** 9 * 'a' }}", "{{ [1] * 10 ** 9 }}", "{{ 9 ** (9 ** 9) }}",
        "{% set n = 2 ** 4000 %}{{ n * n }}", "{{ '%1000000000d' % 5 }}",
        "{{ '%*d' % (10 ** 9, 1) }}",
        "{{ '%.1000000000f' % 1.0 }}", "{{ '%(a)1000000000d' % {'a': 1} }}",
        "{{ '%((a))1000000000d' % {'(a)': 1} }}", "{{ '%1000000000d'|format(5) }}",
        "{{ '{:1000000000}'.format(1) }}", "{{ '{:{}}'.format(1, 10 ** 9) }}",
        "{{ 'a'|center(10 ** 9) }}", "{{ 'a'|indent(10 ** 9) }}", "{{ s|indent('b' * 10000) }}",
        "{{ 'a'|indent(width=10 ** 9) }}", "{{ range(99999)|slice(10 ** 9)|list }}",
        "{{ [1]|batch(10 ** 9, 'x')|list }}", "{{ 10|round(10 ** 9, 'ceil') }}",
        "{{ ('a' * 99999).replace('a', 'b' * 9999) }}",
        "{{ ('a' * 99999)|replace('', 'b' * 9999) }}",
        "{{ ('a' * 99999)|join('b' * 9999) }}", "{{ ('b' * 9999).join('a' * 99999) }}",
        "{{ range(99999)|map('center', 99999)|list }}", "{{ s|wordwrap(1, true, 'x' * 9999) }}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for i in range(99999) %}{% for j in range(99999) if j < 0 %}{% endfor %}{% endfor %}",
        "{% for i in range(99999) %}{% if i in range(99999)|list %}{% endif %}{% endfor %}",
        "{% for i in range(99999) %}{% set a = s[1:] %}{% endfor %}",
        "{% for i in range(99999) %}{% set a = s == s ~ 'a' %}{% endfor %}",
        "{% for i in range(99999) %}{{ s }}{% endfor %}",
        "{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}{{ m(30) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for a in [1, 1] recursive %}{{ loop([1, 1]) }}{% endfor %}",
        "{% set a = 'a' * 99999 %}" + "{% set a = a ~ a %}" * 60,
        "{% set a = 'a' * 99999 %}" + "{% set a = a + a %}" * 60,
        "{% set a = [1] %}" + "{% set a = a + a %}" * 60,
        "{% set a = 'a' * 99999 %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 60,
        "{% macro m(a) %}{{ a }}{{ a }}{% endmacro %}{% set a = 'a' %}" + "{% set a = m(a) %}" * 60,
        PAIRS + "{{ t }}", PAIRS + "{{ t|tojson }}", PAIRS + "{{ t|string }}",
        PAIRS + "{{ t ~ '' }}",
        PAIRS + "{{ '%s' % [t] }}", PAIRS + "{{ '{}'.format(t) }}", PAIRS + "{{ [t]|join }}",
        PAIRS + "{% set u = t %}{{ t in [1] }}", PAIRS + "{{ t is eq([]) }}",
        PAIRS + "{{ {'a': t}.items() }}", TUPLES + "{{ {t: 1} }}", TUPLES + "{{ {1: 1}[t] }}",
        PAIRS + "{% for a in [1] %}{{ loop.changed(t) }}{% endfor %}", "{{ range(10 ** 9) }}",
    ],
)  # fmt: skip
def test_a_template_that_would_run_for_long_or_fill_memory_is_stopped(template: str) -> None:
    with pytest.raises(InvalidRequest):
        render(template, s="line\n" * 1000)


def test_text_is_bounded_and_long_text_within_the_bound_is_not() -> None:
    assert len(render("{{ s }}", s="a" * 4_000_000)) == 4_000_000
    with pytest.raises(InvalidRequest, match="4194304"):
        render("{{ s }}{{ s }}", s="a" * 4_000_000)


def test_work_that_prompts_need_is_within_the_bound() -> None:
    template = "{% for d in x %}<{{ loop.index }}: {{ d.a|upper }}>\n"
    template += "{% if d.b > 3 %}!{% endif %}{% endfor %}"
    assert render(template, x=[{"a": "text", "b": n} for n in range(10_000)]).count("!") == 9996


def test_an_account_cannot_be_filled_up_by_the_template() -> None:
    for name in ("#spend", "#weighed", "#joined"):
        with pytest.raises(InvalidRequest):
            render("{{ [-1000000000]|map(n)|list }}", n=name)
