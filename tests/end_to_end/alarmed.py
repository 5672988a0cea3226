"""A gateway that tells a receiver what needs attention, under a clock that the test moves."""
import json

from cases import expect, expect_equal, wait_for
from clock import with_clock
from gateway import Gateway
from receiver import PATH, SECRET, Receiver


class Alarmed:
    """Options beyond `settings` and `alerts` are a Gateway's. `at_once=False`: it is still to be started."""

    def __init__(self, stage, settings=None, alerts=None, at_once=True, **options):
        self.receiver = Receiver(stage)
        self.offset, environment = with_clock(stage)
        self.ahead = 0
        self.gateway = Gateway(stage, {**(settings or {}), "alerts": {**self.receiver.settings, **(alerts or {})}},
                               environment=environment, **options)
        if at_once:
            self.gateway.start()

    def later(self, seconds):
        self.ahead += seconds
        self.offset.write_text(f"+{self.ahead}")

    def wait(self, what, look, step=60, patience=180):
        """Looks while the clock runs thirty times as fast as it should."""
        def once():
            self.later(step)
            return look()
        return wait_for(what, patience, once, pause=2)

    def bodies(self, state=None, count=1):
        found = self.wait(f"{count} notices", lambda: len(self.receiver.bodies(state)) >= count and self.receiver.bodies(state))
        expect_equal(len(found), count, f"notices: {found}")
        return found

    def warnings(self):
        return json.loads(self.gateway.command("status", "--json", code=None).stdout)["warnings"]

    def quiet(self):
        """Nothing of what the receiver is known by is in the log."""
        for words in (PATH, self.receiver.settings["webhook"].partition("//")[2].partition("/")[0], SECRET):
            expect(words not in self.gateway.log(), f"the log holds {words}")
