"""What an upstream's wire does not say of its answer is said by Portico."""

from portico.contract.events import Answer, Started
from portico.gateway.translation import Naming

NAMING = Naming(id="call_1", model="model-a", created=7)


def test_an_answer_without_id_model_and_time_gets_them() -> None:
    answer = NAMING.complete(Answer(id="", model="", choices=()))
    assert (answer.id, answer.model, answer.created) == ("call_1", "model-a", 7)


def test_what_the_upstream_said_stays() -> None:
    started = NAMING.complete(Started(id="own", model="theirs", created=3))
    assert (started.id, started.model, started.created) == ("own", "theirs", 3)
    assert NAMING.complete(Started(id="own", model="theirs")).created == 7
