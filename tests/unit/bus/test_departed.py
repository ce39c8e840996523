"""Who is known to be dead, and who is not."""

import os
import subprocess
import sys

from common.bus import departed
from common.bus.departed import ProcessName, client_name, is_dead

ME = departed._me()


def named(process: ProcessName) -> str:
    return f"millrace-mapper{process}"


class TestIsDead:
    def test_a_process_that_lives_is_not(self) -> None:
        assert ME is not None
        assert not is_dead(client_name("mapper"), ME)

    def test_one_that_was_killed_is_whether_anybody_took_note_of_it_or_not(self) -> None:
        assert ME is not None
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        began = departed._began(child.pid)
        assert began is not None
        name = named(ME._replace(pid=child.pid, began=began))
        assert not is_dead(name, ME)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(name, ME)
        child.wait()
        assert is_dead(name, ME)

    def test_one_whose_number_somebody_else_has_by_now_is(self) -> None:
        assert ME is not None
        assert is_dead(named(ME._replace(began=ME.began - 1)), ME)

    def test_of_another_machine_nobody_knows(self) -> None:
        assert ME is not None
        assert not is_dead(named(ME._replace(host="elsewhere", began=0)), ME)
        assert not is_dead("another-client", ME)

    def test_of_other_numbers_only_a_container_that_was_started_again_knows(self) -> None:
        assert ME is not None
        assert not is_dead(named(ME._replace(space=1)), ME)
        here = ME._replace(host="0123456789ab")
        assert is_dead(named(here._replace(space=1)), here)
