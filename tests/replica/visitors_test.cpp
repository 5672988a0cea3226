// The twins that call: what is remembered of each, by the token that it showed.
#include "gateway/replica/visitors.h"

#include <doctest/doctest.h>

using namespace gateway;
using namespace gateway::replica;
using namespace std::chrono_literals;

namespace {

const std::string kOurs(64, 'a');
const std::string kOther(64, 'b');

Greeting greeting(const std::string& digest, const std::string& domain = "msgw.test") {
    Greeting greeting(NodeId::generate(), crypto::SigningKey::generate().verifyKey());
    greeting.name = "gw";
    greeting.domain = domain;
    greeting.digest = digest;
    return greeting;
}

}  // namespace

TEST_CASE("of each token the last greeting is known, until it is forgotten") {
    Visitors visitors;
    const Greeting self = greeting(kOurs);
    CHECK(visitors.find("t1") == nullptr);
    visitors.greeted("t1", greeting(kOther), self, WallTime(1s));
    const Greeting last = greeting(kOther);
    visitors.greeted("t1", last, self, WallTime(2s));
    visitors.greeted("t2", greeting(kOurs), self, WallTime(3s));
    REQUIRE(visitors.find("t1") != nullptr);
    CHECK(visitors.find("t1")->greeting.node == last.node);
    CHECK(visitors.find("t1")->last == WallTime(2s));
    CHECK(visitors.all().size() == 2);
    visitors.forget("t1");
    CHECK(visitors.find("t1") == nullptr);
    CHECK(visitors.find("t2") != nullptr);
}

TEST_CASE("a visitor that knows the same is in step, until this node knows something else") {
    Visitors visitors;
    visitors.changed(kOurs, WallTime(1s));
    visitors.greeted("same", greeting(kOurs), greeting(kOurs), WallTime(2s));
    visitors.greeted("other", greeting(kOther), greeting(kOurs), WallTime(2s));
    CHECK(visitors.find("same")->lastInStep == WallTime(2s));
    CHECK_FALSE(visitors.find("other")->lastInStep.has_value());
    visitors.changed(kOurs, WallTime(5s));  // nothing else
    CHECK(visitors.find("same")->lastInStep == WallTime(2s));
    visitors.changed(kOther, WallTime(9s));
    CHECK(visitors.find("same")->lastInStep == WallTime(9s));
    CHECK_FALSE(visitors.find("other")->lastInStep.has_value());
    visitors.changed(kOurs, WallTime(20s));  // it did not know that one either
    CHECK(visitors.find("same")->lastInStep == WallTime(9s));
}

TEST_CASE("why the two cannot be twins is remembered as long as it is so") {
    Visitors visitors;
    const Greeting self = greeting(kOurs);
    visitors.greeted("t", greeting(kOurs, "elsewhere.test"), self, WallTime(1s));
    CHECK(visitors.find("t")->problem.find("elsewhere.test") != std::string::npos);
    visitors.greeted("t", self, self, WallTime(2s));
    CHECK(visitors.find("t")->problem.find("both are the node") != std::string::npos);
    visitors.greeted("t", greeting(kOurs), self, WallTime(3s));
    CHECK(visitors.find("t")->problem.empty());
}
