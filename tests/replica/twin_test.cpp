// The side that calls: against a twin made of answers, well behaved or not. Whatever it says, an
// exchange ends, is bounded, and takes nothing that was not asked for.
#include "gateway/replica/twin.h"

#include <map>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <doctest/doctest.h>

#include "gateway/base/durable_file.h"
#include "tests/base/temporary_folder.h"

using namespace gateway;
using namespace gateway::replica;
using nlohmann::json;

namespace {

/// What a node knows, and who it is.
struct Known {
    NodeId id = NodeId::generate();
    crypto::SigningKey key = crypto::SigningKey::generate();
    std::map<MailboxId, Record> records;

    void say(const MailboxId& mailbox, const std::string& name, std::uint64_t counter) {
        NodeFile file(id, key.verifyKey(), "gw");
        file.add(Statement::make(mailbox, id, key, counter, WallTime(), "describe",
                                 {{"name", name}, {"description", ""}}));
        record(mailbox).unite(file);
    }
    Record& record(const MailboxId& mailbox) {
        return records.try_emplace(mailbox, mailbox).first->second;
    }
    void add(const Bundle& bundle) {
        for (const Record& news : bundle.records) {
            record(news.mailbox()).unite(news);
        }
    }
    RecordDigests digests() const {
        RecordDigests all;
        for (const auto& [mailbox, record] : records) {
            for (const auto& [key_, file] : record.files()) {
                all.try_emplace({mailbox, key_.first, key_.second}, digestOf(file));
            }
        }
        return all;
    }
    Portion portion(const std::vector<RecordFileKey>& files) const {
        BundleWriter writer;
        Portion portion;
        while (portion.files < files.size() && !writer.isFull()) {
            const RecordFileKey& name = files[portion.files++];
            const auto found = records.find(name.mailbox);
            if (found != records.end()) {
                writer.add(name.mailbox, found->second.files().at({name.node, name.key}));
            }
        }
        portion.bundles = writer.take();
        return portion;
    }
    Greeting greeting() const {
        Greeting greeting(id, key.verifyKey());
        greeting.name = "gw";
        greeting.domain = "msgw.test";
        greeting.digest = digestOf(digests());
        return greeting;
    }
};

HttpAnswer answerOf(int status, std::string body, HttpHeaders headers = {}) {
    HttpAnswer answer;
    answer.status = status;
    answer.body = std::move(body);
    answer.headers = std::move(headers);
    return answer;
}

/// A node and the twin that it calls.
struct Pair {
    Known ours;
    Known theirs;
    std::vector<std::string> asked;  ///< what was called, in order
    /// Instead of the right answer, where there is one for that path.
    std::map<std::string, HttpAnswer> instead;

    HttpAnswer answer(const HttpCall& call) {
        const std::string path = call.url.substr(call.url.find("/replica") + 8);
        asked.push_back(call.method + ' ' + path);
        CHECK(call.headers.front().second == "Bearer postern_test");
        if (const auto found = instead.find(path); found != instead.end()) {
            return found->second;
        }
        if (path == "/challenges") {
            return answerOf(200, json{{"offer", theirOffer}, {"have", 7}}.dump());
        }
        if (path == "/hello") {
            return answerOf(200, theirs.greeting().toJson().dump());
        }
        if (path == "/records" && call.method == "GET") {
            return answerOf(200, formatList(theirs.digests()));
        }
        if (path == "/records") {
            theirs.add(parseBundle(call.body).value());
            return answerOf(200, "{}");
        }
        REQUIRE(path == "/records/fetch");
        std::vector<RecordFileKey> keys;
        const json wanted = json::parse(call.body);
        for (const json& name : wanted.at("files")) {
            keys.push_back(parseName(name.get<std::string>()).value());
        }
        const Portion portion = theirs.portion(keys);
        std::string body;
        for (const std::string& bundle : portion.bundles) {
            body += bundle;
        }
        return answerOf(200, body, {{"X-Postern-Files", std::to_string(portion.files)}});
    }

    TwinEngine engine() {
        TwinEngine engine(io.get_executor(), workers);
        engine.send = [this](HttpCall call) -> asio::awaitable<HttpAnswer> {
            co_return answer(call);
        };
        engine.self = [this] { return ours.greeting(); };
        engine.registry = [this] {
            return std::make_shared<const Registry>(Registry::Mailboxes(), std::vector<MailboxId>(),
                                                    std::vector<Finding>(), ours.digests());
        };
        engine.portion = [this](std::vector<RecordFileKey> keys) -> asio::awaitable<Portion> {
            co_return ours.portion(keys);
        };
        engine.add = [this](Bundle bundle) -> asio::awaitable<RegistryKeeper::Addition> {
            if (!deaf) {
                ours.add(bundle);
            }
            co_return RegistryKeeper::Addition();
        };
        engine.challenges = [this] { return offer; };
        engine.takeChallenges = [this](json offered) -> asio::awaitable<TakenChallenges> {
            co_return take(offered);
        };
        engine.challengesThere = [] {};
        engine.changed = [] {};
        return engine;
    }

    std::shared_ptr<Twin> twinOf(TwinEngine engine) {
        TwinAddress address;
        address.url = "https://twin.test:8450";
        address.tokenFile = token();
        address.node = expected;
        Twin::Pace pace;
        pace.every = pace.least = pace.longestPause = std::chrono::milliseconds(1);
        return std::make_shared<Twin>(std::move(engine), address, pace);
    }

    /// Runs the client until an exchange has ended, well or not, `exchanges` times.
    TwinState exchange(int exchanges = 1) {
        std::shared_ptr<Twin> twin;
        TwinEngine made = engine();
        made.changed = [&] {
            if (--exchanges == 0) {
                twin->stop();
            }
        };
        twin = twinOf(std::move(made));
        asio::co_spawn(io, Twin::exchangeAgainAndAgain(twin), asio::detached);
        io.restart();
        io.run();
        return twin->state();
    }

    /// Runs the exchange of challenges until it was answered `calls` times, and then for a moment,
    /// in which it may ask no more; what it knows then.
    std::uint64_t share(std::size_t calls) {
        std::shared_ptr<Twin> twin;
        asio::steady_timer moment(io);
        TwinEngine made = engine();
        made.send = [&](HttpCall call) -> asio::awaitable<HttpAnswer> {
            said.push_back(json::parse(call.body));
            if (said.size() == calls) {
                moment.expires_after(std::chrono::milliseconds(mayGoOn ? 0 : 200));
                moment.async_wait([&](asio::error_code /*never cancelled*/) { twin->stop(); });
            }
            co_return answer(call);
        };
        twin = twinOf(std::move(made));
        asio::co_spawn(io, Twin::shareChallenges(twin), asio::detached);
        twin->challengesChanged();
        io.restart();
        io.run();
        return twin->challengesThere();
    }

    std::filesystem::path token() const {
        const auto file = folder / "token";
        writeDurably(file, tokenText);
        return file;
    }

    TakenChallenges take(const json& offered) {
        if (!trusted || !offered.is_object()) {
            return {0, "nobody is trusted"};
        }
        taken.push_back(offered.at("sequence").get<std::uint64_t>());
        return {taken.back(), ""};
    }

    asio::io_context io{1};
    asio::thread_pool workers{1};
    json offer;  ///< of challenges
    json theirOffer;
    std::vector<json> said;            ///< in exchanges of challenges
    std::vector<std::uint64_t> taken;  ///< numbers of offers that it made
    bool trusted = true;
    bool mayGoOn = false;
    bool deaf = false;  ///< nothing that comes counts here
    std::optional<NodeId> expected;
    std::string tokenText = "postern_test\n";
    shim::TemporaryFolder folder;
};

}  // namespace

TEST_CASE("after an exchange both know what either knew") {
    Pair pair;
    const MailboxId shared = MailboxId::generate();
    pair.ours.say(shared, "by us", 1);
    pair.theirs.say(shared, "by them", 1);
    for (int i = 0; i < 500; ++i) {
        pair.theirs.say(MailboxId::generate(), "theirs", 1);
        pair.ours.say(MailboxId::generate(), "ours", 1);
    }
    const TwinState state = pair.exchange();
    CHECK(state.error.empty());
    CHECK(state.inStep);
    CHECK(pair.ours.digests().size() == 1002);
    CHECK(pair.ours.digests() == pair.theirs.digests());
    CHECK(pair.asked.size() < 20);
}

TEST_CASE("where both know the same nothing is exchanged but a greeting") {
    Pair pair;
    pair.theirs.say(MailboxId::generate(), "theirs", 1);
    CHECK(pair.exchange().inStep);
    pair.asked.clear();
    CHECK(pair.exchange().inStep);
    CHECK(pair.asked == std::vector<std::string>{"POST /hello"});
}

TEST_CASE("what one side does not let count is not sent again and again, and shows") {
    Pair pair;
    pair.deaf = true;
    pair.theirs.say(MailboxId::generate(), "of a stranger", 1);
    pair.theirs.say(MailboxId::generate(), "of a stranger", 1);
    const TwinState state = pair.exchange(5);
    CHECK(state.error.empty());
    CHECK_FALSE(state.inStep);
    CHECK(state.differing == 2);
    CHECK(std::count(pair.asked.begin(), pair.asked.end(), "POST /records/fetch") == 1);
}

TEST_CASE("a twin that says anything else than it should ends its own exchange, with words") {
    // Whole JSON, of which a copy would be made level by level, on the stack.
    const std::string deep =
        R"({"error":)" + std::string(30'000, '[') + std::string(30'000, ']') + '}';
    Known stranger;
    stranger.say(MailboxId::generate(), "unasked", 1);
    const std::string unasked = stranger.portion({stranger.digests().begin()->first}).bundles[0];
    const std::vector<std::pair<std::string, HttpAnswer>> answers{
        {"/hello", answerOf(200, "")},
        {"/hello", answerOf(200, "[]")},
        {"/hello", answerOf(200, std::string(60'000, '['))},
        {"/hello", answerOf(500, deep)},
        {"/hello", answerOf(200, R"({"format":1,"digest":7})")},
        {"/hello", answerOf(401, R"({"error":{"message":"no such token"}})")},
        {"/hello", answerOf(500, R"({"error":7})")},
        {"/hello", answerOf(302, "", {{"Location", "https://elsewhere.test"}})},
        {"/records", answerOf(200, "nonsense\n")},
        {"/records", answerOf(404, "")},
        {"/records/fetch", answerOf(200, "nonsense", {{"X-Postern-Files", "1"}})},
        {"/records/fetch", answerOf(200, "")},
        {"/records/fetch", answerOf(200, "", {{"X-Postern-Files", "0"}})},
        {"/records/fetch", answerOf(200, "", {{"X-Postern-Files", "2"}})},
        {"/records/fetch", answerOf(200, "", {{"X-Postern-Files", "-1"}})},
        {"/records/fetch", answerOf(200, unasked, {{"X-Postern-Files", "1"}})},
    };
    for (const auto& [path, answer] : answers) {
        Pair pair;
        pair.theirs.say(MailboxId::generate(), "theirs", 1);
        pair.instead[path] = answer;
        const TwinState state = pair.exchange();
        const std::string what = path + ' ' + std::to_string(answer.status) + ' ' + answer.body;
        CHECK_MESSAGE(!state.error.empty(), what);
        CHECK_MESSAGE(!state.advice.empty(), what);
        CHECK_MESSAGE(!state.inStep, what);
        CHECK_MESSAGE(pair.ours.records.empty(), what);
        CHECK(state.failingSince);
        pair.instead.clear();  // and it is forgiven
        CHECK(pair.exchange().inStep);
    }
}

TEST_CASE("a list that never comes true does not keep the two busy") {
    Pair pair;
    Known other;
    for (int i = 0; i < 300; ++i) {
        other.say(MailboxId::generate(), "not there", 1);
    }
    pair.instead["/records"] = answerOf(200, formatList(other.digests()));
    pair.theirs.say(MailboxId::generate(), "theirs", 1);
    const TwinState state = pair.exchange(3);
    CHECK(state.differing == 300);
    CHECK(std::count(pair.asked.begin(), pair.asked.end(), "POST /records/fetch") == 2);
}

TEST_CASE("another node, another domain, this very node: none of them is the twin") {
    Pair pair;
    pair.expected = NodeId::generate();
    CHECK(pair.exchange().error.find("another node") != std::string::npos);
    pair.expected.reset();
    Greeting greeting = pair.theirs.greeting();
    greeting.domain = "elsewhere.test";
    pair.instead["/hello"] = answerOf(200, greeting.toJson().dump());
    CHECK(pair.exchange().advice.find("elsewhere.test") != std::string::npos);
    pair.instead["/hello"] = answerOf(200, pair.ours.greeting().toJson().dump());
    CHECK(pair.exchange().advice.find("copy") != std::string::npos);
}

TEST_CASE("a token that is none is never sent") {
    for (const char* text : {"", "\n", "two words", "a\r\nX-Other: header", "\x01"}) {
        Pair pair;
        pair.tokenText = text;
        CHECK(pair.exchange().error.find("token") != std::string::npos);
        CHECK(pair.asked.empty());
    }
}

TEST_CASE("network trouble is told in words that say what to do") {
    using Trouble = HttpAnswer::Trouble;
    for (const Trouble trouble : {Trouble::Unresolved, Trouble::Unreachable, Trouble::Tls,
                                  Trouble::TimedOut, Trouble::TooLarge, Trouble::Broken}) {
        Pair pair;
        HttpAnswer answer;
        answer.trouble = trouble;
        answer.cause = "the cause";
        pair.instead["/hello"] = answer;
        const TwinState state = pair.exchange();
        CHECK(state.error.find("the cause") != std::string::npos);
        CHECK_FALSE(state.advice.empty());
    }
}

TEST_CASE("our challenges are told to a twin, and it says that it has them") {
    Pair pair;
    pair.offer = {{"sequence", 7}, {"challenges", {{{"token", "t"}}}}};
    CHECK(pair.share(1) == 7);
    REQUIRE(pair.said.size() == 1);
    CHECK(pair.said[0] == json{{"offer", pair.offer}, {"have", 0}});
    CHECK(pair.taken.empty());
}

TEST_CASE("the challenges of a twin are taken, and it is told so at once") {
    Pair pair;
    pair.theirOffer = {{"sequence", 9}};
    pair.share(2);
    CHECK(pair.taken == std::vector<std::uint64_t>{9, 9});
    REQUIRE(pair.said.size() == 2);
    CHECK(pair.said[0] == json{{"offer", nullptr}, {"have", 0}});
    CHECK(pair.said[1] == json{{"offer", nullptr}, {"have", 9}});
}

TEST_CASE("challenges of a twin that nobody trusts are never said to be here") {
    Pair pair;
    pair.trusted = false;
    pair.theirOffer = {{"sequence", 9}};
    pair.share(1);  // nothing of ours is to be told: not tried again
    REQUIRE(pair.said.size() == 1);
    CHECK(pair.said[0].at("have") == 0);
}

TEST_CASE("while we offer challenges a twin that fails is told again and again") {
    for (const auto& wrong : {answerOf(404, ""), answerOf(500, "[]"), answerOf(401, "x")}) {
        Pair pair;
        pair.offer = {{"sequence", 7}, {"challenges", {{{"token", "t"}}}}};
        pair.instead["/challenges"] = wrong;
        pair.mayGoOn = true;
        CHECK(pair.share(3) == 0);
        CHECK(pair.said.size() >= 3);
        pair.said.clear();
        pair.mayGoOn = false;
        pair.offer["challenges"] = json::array();  // the order is over: it ends by itself there
        pair.share(1);
        CHECK(pair.said.size() == 1);
    }
}

TEST_CASE("an answer about challenges that is none says nothing") {
    for (const char* text : {"", "[]", "7", R"({"have":"x","offer":7})", R"({"have":-1})"}) {
        Pair pair;
        pair.offer = {{"sequence", 7}, {"challenges", {{{"token", "t"}}}}};
        pair.instead["/challenges"] = answerOf(200, text);
        pair.mayGoOn = true;
        CHECK(pair.share(1) == 0);
        CHECK(pair.taken.empty());
    }
}
