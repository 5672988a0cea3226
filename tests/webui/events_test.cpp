// Server-sent events: what a browser that watches is told, how often, and when that ends.
#include "webui/events.h"

#include <thread>

#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <doctest/doctest.h>

#include "gateway/base/log.h"
#include "tests/net/talk.h"

using nlohmann::json;
using webui::Events;
using namespace std::chrono_literals;

namespace {

json traffic() {
    const json present{{"at", "2026-11-22T10:00:00Z"}, {"received", 3}, {"fetched", 2}};
    return {{"hours", {json(), present}}, {"days", {json(), present}}};
}

Events::Pace fast() {
    Events::Pace pace;
    pace.least = 1ms;
    pace.status = 1ms;
    return pace;
}

/// One browser: its stream runs over loopback, and each chunk that comes is shown to `seen`.
class Watcher {
public:
    explicit Watcher(Events::Pace pace = fast())
        : events(m_pair.io().get_executor(), traffic, Events::Limits(), pace) {}

    using Seen = std::function<void(const std::string& chunk)>;
    void run(bool withLog, std::function<bool()> counts, Seen seen) {
        m_source = events.open("account a", withLog, std::move(counts));
        m_seen = std::move(seen);
        next();
        m_pair.run([this](gateway::net::LineStream& stream) { return serve(stream); });
        m_pair.stream().close();
        asio::error_code end;
        std::string rest;
        asio::read(m_pair.client, asio::dynamic_buffer(rest), end);
        m_all += m_input + rest;
    }
    void stop() { m_pair.stream().interrupt(); }
    const std::string& all() const { return m_all; }

private:
    asio::awaitable<void> serve(gateway::net::LineStream& stream) {
        gateway::net::HttpBody body(stream, "", std::nullopt, 10s);
        co_await m_source->produce(body);
        co_await body.end();
        m_source.reset();
    }
    void next() {
        asio::async_read_until(m_pair.client, asio::dynamic_buffer(m_input), "\n\n\r\n",
                               [this](const asio::error_code& error, std::size_t octets) {
                                   if (!error) {
                                       const std::string chunk = m_input.substr(0, octets);
                                       m_input.erase(0, octets);
                                       m_all += chunk;
                                       m_seen(chunk);
                                       next();
                                   }
                               });
    }
    talk::Pair m_pair;

public:
    Events events;

private:
    std::shared_ptr<const gateway::net::HttpStream> m_source;
    Seen m_seen;
    std::string m_input;
    std::string m_all;
};

bool always() { return true; }

}  // namespace

TEST_CASE("what changed is told, what changed twice meanwhile once, and then that it ends") {
    Watcher watcher;
    bool counts = true;
    watcher.run(
        false, [&] { return counts; },
        [&](const std::string& chunk) {
            if (chunk.find("retry: ") != std::string::npos) {
                watcher.events.tell(Events::Traffic);
                watcher.events.tell(Events::Mailboxes);
                watcher.events.tell(Events::Traffic);
                watcher.events.tell(Events::Status);
            } else {
                counts = false;
                watcher.events.tell(Events::Traffic);
            }
        });
    const std::string& all = watcher.all();
    const std::string traffic =
        "event: traffic\ndata: {\"day\":{\"at\":\"2026-11-22T10:00:00Z\",\"fetched\":2,"
        "\"received\":3},\"hour\":{";
    CHECK(all.find(traffic) != std::string::npos);
    CHECK(all.find(traffic) == all.rfind(traffic));
    CHECK(all.find("event: mailboxes\ndata: {\"changed\":true}\n\n") != std::string::npos);
    CHECK(all.find("event: status\ndata: {\"changed\":true}\n\n") != std::string::npos);
    CHECK(all.find("event: end\ndata: {\"why\":\"session\"}\n\n") != std::string::npos);
    CHECK(watcher.events.streams() == 0);
}

TEST_CASE("who watches the log is told its lines from now on; others are not") {
    gateway::log::start();
    gateway::log::notice("before anybody watched");
    for (const bool withLog : {true, false}) {
        Watcher watcher;
        int told = 0;
        watcher.run(withLog, always, [&](const std::string& chunk) {
            if (chunk.find("retry: ") != std::string::npos) {
                // Another thread logs, as any may.
                std::thread([] { gateway::log::notice("hello from a thread"); }).join();
                watcher.events.tell(Events::Mailboxes);
            } else if (++told == (withLog ? 2 : 1) || chunk.find("log") == std::string::npos) {
                watcher.stop();
            } else {
                gateway::log::notice("and another");
            }
        });
        const std::string& all = watcher.all();
        CHECK((all.find("\"text\":\"hello from a thread\"") != std::string::npos) == withLog);
        CHECK((all.find("\"text\":\"and another\"") != std::string::npos) == withLog);
        CHECK(all.find("before anybody") == std::string::npos);
        CHECK(all.find("event: end\ndata: {\"why\":\"stopping\"}") != std::string::npos);
    }
    gateway::log::stop();
}

TEST_CASE("a quiet stream shows that it lives, and status is told seldom") {
    Events::Pace pace = fast();
    pace.quiet = 20ms;
    pace.status = 1h;
    Watcher watcher(pace);
    int comments = 0;
    watcher.run(false, always, [&](const std::string& chunk) {
        watcher.events.tell(Events::Status);
        comments += chunk.find("\r\n:\n\n") != std::string::npos ? 1 : 0;
        if (comments == 3) {
            watcher.stop();
        }
    });
    CHECK(watcher.all().find("event: status") == watcher.all().rfind("event: status"));
}

TEST_CASE("streams are bounded in all and for one, and their places are free again") {
    asio::io_context io;
    auto events = std::make_unique<Events>(io.get_executor(), traffic, Events::Limits(), fast());
    std::vector<std::shared_ptr<const gateway::net::HttpStream>> streams;
    for (int i = 0; i < 10; ++i) {
        streams.push_back(events->open("account a", false, always));
    }
    CHECK(!events->open("account a", false, always));
    for (int i = 0; i < 40; ++i) {
        streams.push_back(events->open("account " + std::to_string(i), false, always));
    }
    CHECK(events->streams() == 50);
    CHECK(!events->open("account z", false, always));
    streams.front().reset();
    CHECK(!events->open("account a", false, always) == false);
    for (const auto& stream : streams) {
        CHECK((stream || &stream == &streams.front()));
    }
    events.reset();  // streams may go later
    streams.clear();
}
