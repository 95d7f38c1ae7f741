import os
import uuid

import pytest
from django.utils import timezone

from chat import processes
from chat.models import ServerProcess

pytestmark = pytest.mark.django_db
NO_PID = 2**22 + 1


def neighbour(**values):
    now = timezone.now()
    defaults = {"host": "elsewhere", "pid": 1, "started_at": now, "beat_at": now}
    return ServerProcess.objects.create(**{**defaults, **values}).pk


def test_a_heart_beats_in_one_row():
    me = uuid.uuid4()
    processes.beat(me)
    first = ServerProcess.objects.get(pk=me).beat_at
    processes.beat(me)
    row = ServerProcess.objects.get(pk=me)
    assert row.beat_at > first
    assert (row.pid, row.host) == (os.getpid(), processes.host_name())


def test_a_process_that_was_forgotten_by_mistake_comes_back():
    me = uuid.uuid4()
    processes.beat(me)
    processes.forget([me])
    processes.beat(me)
    assert ServerProcess.objects.get().pk == me


def test_others_are_judged_by_their_pid_here_and_by_their_heart_elsewhere():
    late = timezone.now() - timezone.timedelta(seconds=processes.DEAD_AFTER + 1)
    gone = neighbour(host=processes.host_name(), pid=NO_PID)
    silent = neighbour(beat_at=late)
    neighbour()
    neighbour(pid=NO_PID)
    neighbour(host=processes.host_name(), pid=os.getppid())
    census = processes.beat(uuid.uuid4())
    assert census == processes.Census(5, [gone], [silent])
