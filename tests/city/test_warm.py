from types import ModuleType

from anlan.city.warm import NOTE, warm
from anlan.core.job import Job
from anlan.kernels import routing
from anlan.kernels.compiled import cold


def test_after_the_warm_up_no_routing_kernel_is_left_to_compile():
    warm()
    modules = [m for m in vars(routing).values() if isinstance(m, ModuleType)]
    assert len(modules) >= 6
    assert cold(*modules) == []
    notes: list[str] = []
    assert warm(Job(lambda p: notes.append(p.note))) == 0
    assert NOTE not in notes
