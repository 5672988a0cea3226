"""What is measured, against whom, and what is wanted: the rows of the table in docs/performance.md."""
import dataclasses

from measure import median
from page import table, watched
from workloads import KIB, MIB, crowded, idle, ingest, large, listing, logins, populous, raw, retrieval


@dataclasses.dataclass
class Goal:
    """A workload. `runs` names who runs it: the gateway, its peers, and "disk" for the raw limit beside it.
    `judge` gets the runs of each and gives (what was reached, whether that is enough)."""
    name: str
    wanted: str
    unit: str
    figure: str
    runs: dict
    judge: object
    on_demand: bool = False  # only where WORKLOAD names it


def ratio(runs, name, ours, theirs):
    """How often the median of the first is that of the second; nothing where one was not measured."""
    mine, other = median(runs.get("Postern"), ours), median(runs.get(name), theirs)
    return mine / other if mine and other else None


def judged(*parts):
    """Joins (text, value, least) where the value was measured."""
    known = [(text.format(value), value >= least) for text, value, least in parts if value is not None]
    return "; ".join(text for text, _ in known), all(well for _, well in known)


def against(p1, p2=None, disk=None, cpu=None):
    """Deliveries a second against the peers' and against the raw limit; processor time at most `cpu` s per 1,000."""
    def judge(runs):
        text, well = rates(runs)
        spent = median(runs.get("Postern"), "cpu_per_1000")
        return text, well and (cpu is None or (spent is not None and spent <= cpu))

    def rates(runs):
        return judged(("{:.1f} × P1", ratio(runs, "P1", "delivered", "delivered"), p1),
                      *([("{:.1f} × P2", ratio(runs, "P2", "delivered", "delivered"), p2)] if p2 else []),
                      *([("{:.0%} of the disk", ratio(runs, "disk", "delivered", "rate"), disk)] if disk else []))
    return judge


def one_mailbox(runs):
    return judged(("{:.0%} of the rate into 64", ratio(runs, "spread", "delivered", "delivered"), 0.8))


def one_connection(runs):
    p50, p99, disk = (median(runs.get(who), what)
                      for who, what in (("Postern", "p50"), ("Postern", "p99"), ("disk", "p50")))
    if None in (p50, disk):
        return "", False
    return (f"p50 {p50:.2f} ms, disk alone {disk:.2f}; p99 {p99:.1f} ms", p50 <= disk + 0.25 and p99 <= 3)


def fetched(runs):
    cpu = median(runs.get("Postern"), "cpu_per_1000")
    text, well = judged(("{:.1f} × P1", ratio(runs, "P1", "rate", "rate"), 5.5),
                        ("{:.1f} × P2", ratio(runs, "P2", "rate", "rate"), 1.2))
    return (f"{text + '; ' if text else ''}{cpu:.2f} CPU s per 1,000", well and cpu <= 0.15) if cpu else ("", False)


def at_most(figure, limit, text):
    def judge(runs):
        value = median(runs.get("Postern"), figure)
        return (text.format(value), value <= limit) if value is not None else ("", False)
    return judge


def many_logins(runs):
    cached, plain = median(runs.get("cached"), "rate"), median(runs.get("Postern"), "rate")
    if None in (cached, plain):
        return "", False
    return f"{cached:,.0f} /s with unlock_cache, {plain:,.0f} /s without", cached >= 1500


def flat(runs):
    """Processor time for a message beside that of 16 connections into 64 mailboxes where nothing waits."""
    mine, base = (median(runs.get(who), "cpu_per_1000") for who in ("Postern", "spread"))
    mine = mine or median(runs.get("populous"), "cpu_per_1000")
    if None in (mine, base):
        return "", False
    return f"{mine:.2f} CPU s per 1,000, {mine / base:.2f} × {base:.2f}", mine <= 1.1 * base


def receipted(runs):
    """What receipts take of the rate, and of the processor, beside a server in the same runs that writes none."""
    (rate, cpu), (bare_rate, bare_cpu) = ([median(runs.get(who), what) for what in ("delivered", "cpu_per_1000")]
                                          for who in ("Postern", "unreceipted"))
    if None in (rate, bare_rate):
        return "", False
    return (f"{rate / bare_rate:.3f} × {bare_rate:,.0f} /s, CPU {cpu / bare_cpu:.3f} × {bare_cpu:.3f} s per 1,000",
            rate >= 0.98 * bare_rate)


def usable(runs):
    seen, ordered, found = (median(runs.get("page"), figure) for figure in ("seen", "sorted", "found"))
    if seen is None:
        return "", False
    return f"there after {seen:.0f} ms, sorted after {ordered:.0f}, one found after {found:.0f}", seen <= 1000


def cheap(runs):
    mine, base = (median(runs.get("page"), figure) for figure in ("watched", "unwatched"))
    if mine is None:
        return "", False
    return f"{mine:.0%} of a core, watched by nobody {base:.0%}", mine - base <= 0.1


def everybody(run, **more):
    return {"Postern": run, "P1": run, "P2": run, **more}


def grown(name, run, server="Postern"):
    return Goal(f"growth, {name}", "CPU as with 16 connections, 64 mailboxes, none waiting, within 10 %", "/s",
                "delivered", {"spread": ingest(75 * KIB, 16, 64, 4000), server: run}, flat, True)


def with_receipts(name, size, connections, most):
    run = ingest(size, connections, min(connections, 64), most)
    return Goal(f"receipts, {name}", "98 % of the rate without", "/s", "delivered",
                {"unreceipted": run, "Postern": run}, receipted, True)


SPREAD = ingest(75 * KIB, 64, 64, 4000)
GOALS = [
    Goal("in, 75 KiB, 64 connections", "10 × P1, 6 × P2, 30 % of the disk; CPU 0.45 s per 1,000", "/s", "delivered",
         everybody(SPREAD, disk=raw(75 * KIB, 64, 64, 4000)), against(10, 6, 0.3, cpu=0.45)),
    Goal("in, 75 KiB, 64 connections, one mailbox", "80 % of the rate into 64 mailboxes", "/s", "delivered",
         {"spread": SPREAD, "Postern": ingest(75 * KIB, 64, 1, 4000), "disk": raw(75 * KIB, 64, 1, 4000)},
         one_mailbox),
    Goal("in, 75 KiB, 1 connection", "p50 ≤ disk + 0.25 ms, p99 ≤ 3 ms", "/s", "delivered",
         everybody(ingest(75 * KIB, 1, 1, 1000), disk=raw(75 * KIB, 1, 1, 1000)), one_connection),
    Goal("in, 4 KiB, 8 connections", "6 × P1", "/s", "delivered", everybody(ingest(4 * KIB, 8, 64, 6000)), against(6)),
    Goal("in, 1 MiB, 8 connections", "5 × P1", "/s", "delivered", everybody(ingest(MIB, 8, 64, 800)), against(5)),
    Goal("in, 25 MiB, 4 connections", "3 × P1", "/s", "delivered", everybody(ingest(25 * MIB, 4, 4, 40)), against(3)),
    Goal("out, 75 KiB, 8 connections", "5.5 × P1, 1.2 × P2; CPU 0.15 s per 1,000", "/s", "rate",
         everybody(retrieval(75 * KIB, 8, 250)), fetched),
    Goal("list, 100,000 waiting, warm", "100 ms behind the unlock (P1: the whole way)", "ms", "p50",
         everybody(listing(100_000, after_restart=False)), at_most("p50", 100, "{:.0f} ms")),
    Goal("list, 100,000 waiting, after a restart", "400 ms behind the unlock", "ms", "p50",
         {"Postern": listing(100_000, after_restart=True)}, at_most("p50", 400, "{:.0f} ms")),
    Goal("idle, 1,000 sessions after STARTTLS", "40 MiB in all", "MiB", "memory",
         {"Postern": idle(1000)}, at_most("memory", 40, "{:.0f} MiB")),
    Goal("memory, one message of 100 MB in and out", "grows by 2 MiB", "MiB", "memory",
         {"Postern": large(100_000_000)}, at_most("memory", 2, "{:.1f} MiB more")),
    Goal("log-ins", "1,500 /s with unlock_cache", "/s", "rate",
         {"Postern": logins(4), "cached": logins(4), "P1": logins(4), "P2": logins(4)}, many_logins),
    Goal("page, table of 5,000 mailboxes", "usable within 1 s", "ms", "seen", {"page": table(5000)}, usable, True),
    Goal("page, 10 admins watch 5,000 mailboxes, 10 messages/s", "10 % of a core more", "cores", "watched",
         {"page": watched(5000, 10)}, cheap, True),
    *(with_receipts(*words) for words in (("75 KiB, 64 connections", 75 * KIB, 64, 4000),
                                          ("75 KiB, 1 connection", 75 * KIB, 1, 1000),
                                          ("4 KiB, 8 connections", 4 * KIB, 8, 6000))),
    *(grown(f"{connections} connections", ingest(75 * KIB, connections, 64, 4000)) for connections in (1, 64, 256)),
    grown("1 mailbox", ingest(75 * KIB, 16, 1, 4000)),
    grown("5,000 mailboxes", populous(75 * KIB, 16, 5000, 4000), "populous"),
    *(grown(f"{waiting:,} waiting", crowded(75 * KIB, waiting, 4000)) for waiting in (100_000, 1_000_000)),
]
