// In which hours mail is usual, learnt from four weeks of it, and what is missed since the last.
#include "gateway/watch/arrival_hours.h"

#include <doctest/doctest.h>

namespace {

using gateway::ArrivalHours;
using gateway::MailboxId;
using gateway::WallTime;
using std::chrono::hours;

const MailboxId kMailbox = MailboxId::parse("mbx-0123456789abcdef0123456789abcdef").value();
const MailboxId kOther = MailboxId::parse("mbx-ffffffffffffffffffffffffffffffff").value();
/// A Monday.
const WallTime kMonday = gateway::parseTimestamp("2026-11-02T00:00:00Z").value();

/// Mail from 8 to 18 o'clock on five days of `weeks` weeks.
ArrivalHours office(int weeks) {
    ArrivalHours arrivals;
    for (int day = 0; day < weeks * 7; ++day) {
        for (int hour = 8; day % 7 < 5 && hour < 18; ++hour) {
            arrivals.received(kMailbox, kMonday + hours(day * 24 + hour) + std::chrono::minutes(7));
        }
    }
    return arrivals;
}

WallTime at(int week, int day, int hour) { return kMonday + hours((week * 7 + day) * 24 + hour); }

}  // namespace

TEST_CASE("nights and weekends are no silence, working hours are") {
    const ArrivalHours arrivals = office(4);
    CHECK(arrivals.missed(kMailbox, at(3, 4, 18)) == hours(0));
    CHECK(arrivals.missed(kMailbox, at(4, 0, 8)) == hours(0));  // Monday morning, after a weekend
    CHECK(arrivals.missed(kMailbox, at(4, 0, 9)) == hours(1));
    CHECK(arrivals.missed(kMailbox, at(4, 0, 11)) == hours(3));
    CHECK(arrivals.missed(kMailbox, at(4, 1, 8)) == hours(10));  // and what it missed stays missed
    CHECK(arrivals.missed(kOther, at(4, 1, 8)) == hours(0));
}

TEST_CASE("three of four weeks make an hour usual, two do not") {
    CHECK(office(2).missed(kMailbox, at(2, 4, 18)) == hours(0));
    CHECK(office(3).missed(kMailbox, at(3, 4, 18)) == hours(50));
    ArrivalHours holiday = office(3);  // nothing in the fourth week but one mail at its end
    holiday.received(kMailbox, at(3, 4, 17));
    CHECK(holiday.missed(kMailbox, at(4, 0, 18)) == hours(10));
    CHECK(holiday.missed(kMailbox, at(5, 0, 18)) == hours(50));
}

TEST_CASE("a mail ends the silence, a clock that jumps does not make one") {
    ArrivalHours arrivals = office(4);
    arrivals.received(kMailbox, at(4, 0, 11));
    CHECK(arrivals.missed(kMailbox, at(4, 0, 12)) == hours(0));
    CHECK(arrivals.missed(kMailbox, at(4, 0, 13)) == hours(1));
    CHECK(arrivals.missed(kMailbox, at(400, 0, 0)) > hours(40));  // nothing is looked at for ever
    CHECK(arrivals.missed(kMailbox, at(0, 0, 0)) == hours(0));
    arrivals.received(kMailbox, at(3, 4, 17));  // set back by days
    CHECK(arrivals.missed(kMailbox, at(4, 0, 11)) == hours(3));
    ArrivalHours fresh;
    fresh.received(kMailbox, at(900, 0, 0));
    fresh.received(kMailbox, at(0, 0, 0));
    fresh.received(kMailbox, at(900, 0, 0));
    CHECK(fresh.missed(kMailbox, at(901, 0, 0)) == hours(0));
}

TEST_CASE("the file says what is known") {
    ArrivalHours arrivals = office(4);
    arrivals.received(kOther, kMonday);
    std::string why;
    const auto again = ArrivalHours::parse(arrivals.text(), why);
    REQUIRE(again);
    CHECK(*again == arrivals);
    CHECK(again->missed(kMailbox, at(4, 0, 11)) == hours(3));
    CHECK(ArrivalHours::parse(ArrivalHours().text(), why) == ArrivalHours());
    CHECK(why.empty());
    const std::string entry = "format = 1\n[[mailbox]]\naddress = \"" + kMailbox.str() +
                              "\"\nlast = \"2026-11-02T00:00:00Z\"\n";
    for (const std::string& text :
         {std::string("[["), entry, entry + "hours = \"12\"\n",
          entry + "hours = \"" + std::string(168, 'x') + '"',
          std::string("format = 1\nmailbox = [3]"), std::string("format = \"1\"")}) {
        why.clear();
        CHECK(!ArrivalHours::parse(text, why));
        CHECK(!why.empty());
    }
    why.clear();
    CHECK(ArrivalHours::parse("format = 2", why));  // left untouched
    CHECK(!why.empty());
}
