// Challenges that twins tell each other: nothing is taken that its node did not sign so, for this
// hour, in the form that authorities ask for.
#include "gateway/replica/challenge_offer.h"

#include <doctest/doctest.h>

#include "gateway/mail/canonical_json.h"
#include "gateway/replica/challenge_shelf.h"

using namespace gateway;
using namespace gateway::replica;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

const WallTime kNow = WallTime() + 20'000 * 24h;
const std::string kThumbprint = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123_-9";

struct Speaker {
    NodeId id = NodeId::generate();
    crypto::SigningKey key = crypto::SigningKey::generate();

    ChallengeOffer offer(std::uint64_t sequence, std::size_t challenges = 1) const {
        ChallengeOffer offer(id, key.verifyKey());
        offer.sequence = sequence;
        offer.expires = kNow + ChallengeOffer::kLasts;
        for (std::size_t i = 0; i < challenges; ++i) {
            const std::string token = "token-" + std::to_string(i);
            offer.challenges.push_back(
                {"http-01", "msgw.example.com", token, token + '.' + kThumbprint});
        }
        return offer;
    }
};

bool isTaken(const json& object, WallTime now = kNow) {
    std::string why;
    const bool taken = ChallengeOffer::parse(object, now, why).has_value();
    CHECK(taken == why.empty());
    return taken;
}

/// Whether an offer with this challenge is taken, rightly signed.
bool isAskedFor(const SharedChallenge& challenge) {
    const Speaker speaker;
    ChallengeOffer offer = speaker.offer(1, 0);
    offer.challenges = {challenge};
    return isTaken(offer.signedBy(speaker.key));
}

}  // namespace

TEST_CASE("what a node signs is read as it was meant, also without challenges") {
    const Speaker speaker;
    for (const std::size_t count : {0U, 1U, 64U}) {
        const ChallengeOffer offer = speaker.offer(7, count);
        std::string why;
        const auto read = ChallengeOffer::parse(offer.signedBy(speaker.key), kNow, why);
        REQUIRE(read.has_value());
        CHECK(read->node == speaker.id);
        CHECK(read->key == speaker.key.verifyKey());
        CHECK(read->sequence == 7);
        CHECK(read->challenges == offer.challenges);
    }
    json later = speaker.offer(1).signedBy(speaker.key);
    CHECK(isTaken(later));
}

TEST_CASE("every field is covered by the signature, also those of a later version") {
    const Speaker speaker;
    const json right = speaker.offer(7).signedBy(speaker.key);
    REQUIRE(isTaken(right));
    json unsignedOne = right;
    unsignedOne.erase("signature");
    CHECK_FALSE(isTaken(unsignedOne));
    const std::vector<std::pair<const char*, json>> changes{
        {"node", NodeId::generate().str()},
        {"node_key", crypto::SigningKey::generate().verifyKey().str()},
        {"sequence", 8},
        {"expires", formatTimestamp(kNow + 30min)},
        {"challenges", json::array()},
        {"signature", ""},
        {"x_later", 1}};
    for (const auto& [name, value] : changes) {
        CAPTURE(name);
        json changed = right;
        changed[name] = value;
        CHECK_FALSE(isTaken(changed));
    }
    for (const char* name : {"type", "name", "token", "key_authorization"}) {
        CAPTURE(name);
        json changed = right;
        changed["challenges"][0][name] =
            name == std::string("type") ? "tls-alpn-01" : "other." + kThumbprint;
        CHECK_FALSE(isTaken(changed));
    }
}

TEST_CASE("a signature over the same fields for another purpose is none") {
    const Speaker speaker;
    json object = speaker.offer(7).signedBy(speaker.key);
    object.erase("signature");
    object["signature"] = speaker.key.sign(canonicalJson(object).value());  // as of a statement
    CHECK_FALSE(isTaken(object));
}

TEST_CASE("what is over, or would last for more than an hour, is not taken") {
    const Speaker speaker;
    ChallengeOffer offer = speaker.offer(1);
    const json right = offer.signedBy(speaker.key);
    CHECK(isTaken(right, kNow + ChallengeOffer::kLasts - 1s));
    CHECK_FALSE(isTaken(right, kNow + ChallengeOffer::kLasts));
    CHECK_FALSE(isTaken(right, kNow - 26min));
    offer.expires = kNow + 1h;
    CHECK(isTaken(offer.signedBy(speaker.key)));
    offer.expires = kNow + 1h + 1s;
    CHECK_FALSE(isTaken(offer.signedBy(speaker.key)));
}

TEST_CASE("only what an authority can ask for is taken, and no more than 64 of it") {
    const std::string all = "token." + kThumbprint;
    CHECK(isAskedFor({"http-01", "msgw.example.com", "token", all}));
    CHECK(isAskedFor({"tls-alpn-01", "msgw.example.com", "token", all}));
    const std::string longest(256, 't');
    CHECK(isAskedFor({"http-01", "a", longest, longest + '.' + kThumbprint}));
    const std::vector<SharedChallenge> wrong{
        {"dns-01", "msgw.example.com", "token", all},
        {"http-01", "", "token", all},
        {"http-01", std::string(254, 'a'), "token", all},
        {"http-01", "MSGW.example.com", "token", all},
        {"http-01", "msgw.example.com/x", "token", all},
        {"http-01", "msgw.example.com", "", '.' + kThumbprint},
        {"http-01", "msgw.example.com", "to/ken", "to/ken." + kThumbprint},
        {"http-01", "msgw.example.com", longest + 't', longest + "t." + kThumbprint},
        {"http-01", "msgw.example.com", "token", "other." + kThumbprint},
        {"http-01", "msgw.example.com", "token", "token" + kThumbprint},
        {"http-01", "msgw.example.com", "token", all + 'x'},
        {"http-01", "msgw.example.com", "token", all.substr(0, all.size() - 1)},
        {"http-01", "msgw.example.com", "token", all.substr(0, all.size() - 1) + '\n'},
        {"http-01", "msgw.example.com", "token", "token.<script>" + kThumbprint.substr(8)}};
    for (const SharedChallenge& challenge : wrong) {
        CAPTURE(challenge.keyAuthorization);
        CHECK_FALSE(isAskedFor(challenge));
    }
    const Speaker speaker;
    CHECK_FALSE(isTaken(speaker.offer(1, 65).signedBy(speaker.key)));
    CHECK_FALSE(isTaken(speaker.offer(0).signedBy(speaker.key)));
    for (const json& junk : {json(), json(7), json::array(), json::object(), json("x"),
                             json{{"node", {"x"}}, {"challenges", {{"x", 1}}}}}) {
        CHECK_FALSE(isTaken(junk));
    }
}

TEST_CASE("of a node the newest offer is answered; an older one is not taken up again") {
    const Speaker one;
    const Speaker other;
    ChallengeShelf shelf;
    CHECK(shelf.take(one.offer(5, 2), kNow));
    CHECK(shelf.take(other.offer(1, 3), kNow));
    CHECK(shelf.held(kNow).size() == 5);
    CHECK(shelf.take(one.offer(6, 0), kNow));  // its order is over
    CHECK_FALSE(shelf.take(one.offer(5, 2), kNow));
    CHECK_FALSE(shelf.take(one.offer(6, 2), kNow));
    CHECK(shelf.held(kNow).size() == 3);
    CHECK(shelf.sequenceOf(one.id) == 6);
    CHECK(shelf.sequenceOf(NodeId::generate()) == 0);
    CHECK(shelf.take(one.offer(7, 1), kNow));
    CHECK(shelf.held(kNow).size() == 4);
}

TEST_CASE("an offer is answered until it is over, or its node parted from") {
    const Speaker one;
    const Speaker other;
    ChallengeShelf shelf;
    CHECK(shelf.take(one.offer(1), kNow));
    CHECK(shelf.take(other.offer(1), kNow));
    CHECK(shelf.held(kNow + ChallengeOffer::kLasts - 1s).size() == 2);
    CHECK(shelf.held(kNow + ChallengeOffer::kLasts).empty());
    const auto isOther = [&](const NodeId& node, const crypto::VerifyKey& key) {
        return node == other.id && key == other.key.verifyKey();
    };
    CHECK(shelf.keepOnly(isOther));
    CHECK_FALSE(shelf.keepOnly(isOther));
    REQUIRE(shelf.held(kNow).size() == 1);
    CHECK(shelf.sequenceOf(one.id) == 0);
}

TEST_CASE("offers of more nodes than anybody has are not kept; room comes with time") {
    ChallengeShelf shelf;
    for (std::size_t i = 0; i < ChallengeShelf::kMostNodes; ++i) {
        CHECK(shelf.take(Speaker().offer(1), kNow));
    }
    CHECK_FALSE(shelf.take(Speaker().offer(1), kNow));
    CHECK_FALSE(shelf.take(Speaker().offer(1), kNow + ChallengeOffer::kLasts));
    CHECK(shelf.take(Speaker().offer(1), kNow + ChallengeOffer::kLasts + 1h));
}
