// A node and the twin that it calls, which is made of answers: well behaved, or not.
#pragma once

#include <map>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <doctest/doctest.h>

#include "gateway/base/durable_file.h"
#include "gateway/replica/twin.h"
#include "tests/base/temporary_folder.h"

namespace played {

using namespace gateway;
using namespace gateway::replica;
using nlohmann::json;

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

inline HttpAnswer answerOf(int status, std::string body, HttpHeaders headers = {}) {
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

}  // namespace played
