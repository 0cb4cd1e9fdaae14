"""What Converse has no member of its own for, by family of models.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
"""

from collections.abc import Callable

from portico.contract.conversation import Extra, Json, ReasoningRequest
from portico.contract.wires import Target
from portico.wires.anthropic_messages.tables import BUDGET_ONLY, BUDGETS, EFFORTS, LEAST_BUDGET
from portico.wires.bedrock_converse.block_writer import Block, Writing, refuse
from portico.wires.bedrock_converse.families import NOVA_EFFORTS, family

FIELDS = "additionalModelRequestFields"


def put(body: Block, more: Extra) -> None:
    """Adds members to a body; objects of one name are joined, all the way down."""
    for name, value in more.items():
        known = body.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            joined = dict(known)
            put(joined, value)
            body[name] = joined
        else:
            body[name] = value


def write_top_k(top_k: int | None, target: Target, writing: Writing) -> Block:
    if top_k is None:
        return {}
    row = family(target.family)
    path = ("top_k",) if writing.own else row.top_k if row is not None else ()
    if not path:
        writing.losses.drop("top_k")
        return {}
    value: Json = top_k
    for name in reversed(path):
        value = {name: value}
    return {FIELDS: value}


def write_paths(stop: tuple[str, ...], target: Target, writing: Writing) -> Block:
    """Asks which stop sequence was met, of those who tell."""
    row = family(target.family)
    if not stop or writing.own or row is None or not row.sequence:
        return {}
    return {"additionalModelResponseFieldPaths": row.sequence}


def write_reasoning(
    wanted: ReasoningRequest | None, target: Target, cap: int, writing: Writing
) -> Block:
    if wanted is None:
        return {}
    if writing.own:
        return _own(wanted)
    row = family(target.family)
    writer = _STYLES.get(row.reasoning) if row is not None else None
    writing.losses.unknown(wanted.extra, "reasoning.")
    if writer is None:
        if wanted.enabled:
            writing.losses.drop("reasoning.effort")
        return {}
    return writer(wanted, target, cap, writing)


def _own(wanted: ReasoningRequest) -> Block:
    body: Block = {} if wanted.effort is None else {"outputConfig": {"effort": wanted.effort}}
    thinking: Block = dict(wanted.extra)
    if wanted.budget is not None:
        thinking = {"type": "enabled", "budget_tokens": wanted.budget, **thinking}
    if not wanted.enabled:
        thinking = {**thinking, "type": "disabled"}
    return {**body, FIELDS: {"thinking": thinking}} if thinking else body


def _thinking(wanted: ReasoningRequest, target: Target, cap: int, writing: Writing) -> Block:
    """Anthropic's models: adaptive with an effort, or a number of tokens below the cap.

    https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html
    """
    manual = any(f".{name}" in f".{target.family}" for name in BUDGET_ONLY)
    if not wanted.enabled:
        return {} if manual else {FIELDS: {"thinking": {"type": "disabled"}}}
    effort = wanted.effort
    if effort is not None and effort not in EFFORTS:
        raise refuse("reasoning.effort.word", "reasoning_effort")
    if not manual:
        if wanted.budget is not None:
            writing.losses.drop("reasoning.budget")
        body: Block = {FIELDS: {"thinking": {"type": "adaptive"}}}
        return {**body, "outputConfig": {"effort": EFFORTS[effort]}} if effort else body
    if cap <= LEAST_BUDGET:
        writing.losses.drop("reasoning.effort")
        return {}
    budget = wanted.budget or BUDGETS[effort or "medium"]
    budget = max(LEAST_BUDGET, min(budget, cap - 1))
    return {FIELDS: {"thinking": {"type": "enabled", "budget_tokens": budget}}}


def _nova(wanted: ReasoningRequest, target: Target, cap: int, writing: Writing) -> Block:
    """https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html"""
    if not wanted.enabled:
        return {FIELDS: {"reasoningConfig": {"type": "disabled"}}}
    effort = NOVA_EFFORTS.get(_effort(wanted))
    if effort is None:
        raise refuse("reasoning.effort.word", "reasoning_effort")
    return {FIELDS: {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}}


def _words(wanted: ReasoningRequest, target: Target, cap: int, writing: Writing) -> Block:
    """https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html"""
    if not wanted.enabled:
        writing.losses.drop("reasoning.disabled")
        return {}
    return {FIELDS: {"reasoning_effort": _effort(wanted)}}


def _effort(wanted: ReasoningRequest) -> str:
    """A word for how much to think. A budget in tokens becomes the nearest one below it."""
    if wanted.effort is not None:
        return wanted.effort
    if wanted.budget is None:
        return "medium"
    fitting = [word for word in ("low", "medium", "high") if BUDGETS[word] <= wanted.budget]
    return fitting[-1] if fitting else "low"


_STYLES: dict[str, Callable[[ReasoningRequest, Target, int, Writing], Block]] = {
    "thinking": _thinking,
    "nova": _nova,
    "effort": _words,
}
