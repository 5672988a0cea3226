// The stream by which a twin hears of changes: each state once, the newest only, for as long as its
// token counts.
#include "gateway/replica/feed.h"

#include <asio/read_until.hpp>
#include <asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include "tests/net/talk.h"

using namespace gateway;
using namespace gateway::replica;
using namespace std::chrono_literals;

namespace {

const std::string kOne(64, '1');
const std::string kTwo(64, '2');
const std::string kThree(64, '3');

std::string records(const std::string& digest) {
    return "event: records\ndata: " + digest + "\n\n";
}

/// A feed with one listener at the other end of a connection.
struct Hearing {
    explicit Hearing(std::chrono::milliseconds quiet = 1h)
        : feed(std::make_unique<Feed>(pair.client.get_executor(), quiet)) {}

    /// Runs `script` beside the stream, until the stream ends.
    void run(const std::function<asio::awaitable<void>()>& script) {
        std::exception_ptr failure;
        asio::co_spawn(pair.client.get_executor(), script(), [&](std::exception_ptr thrown) {
            failure = thrown;
            feed->open("token", [] { return true; });  // ends the one before it
        });
        const auto stream = feed->open("token", [this] { return counts; });
        pair.run([&](net::LineStream& line) -> asio::awaitable<void> {
            net::HttpBody body(line, "", std::nullopt, 10s);
            co_await stream->produce(body);
        });
        if (failure) {
            std::rethrow_exception(failure);
        }
    }

    /// The next piece that is sent: the transfer's own framing is taken away.
    asio::awaitable<std::string> next() {
        const std::size_t head = co_await asio::async_read_until(
            pair.client, asio::dynamic_buffer(octets), "\r\n", asio::use_awaitable);
        const std::size_t length = std::stoul(octets.substr(0, head), nullptr, 16);
        octets.erase(0, head);
        while (octets.size() < length + 2) {
            octets.resize(octets.size() + 1);
            co_await pair.client.async_read_some(asio::buffer(&octets.back(), 1),
                                                 asio::use_awaitable);
        }
        std::string piece = octets.substr(0, length);
        octets.erase(0, length + 2);
        co_return piece;
    }

    talk::Pair pair;
    std::string octets;
    bool counts = true;
    std::unique_ptr<Feed> feed;
};

}  // namespace

TEST_CASE("who listens hears the digest at once, and each other one when it is told") {
    Hearing hearing;
    hearing.feed->tell(kOne);
    hearing.run([&]() -> asio::awaitable<void> {
        std::string heard = co_await hearing.next();
        CHECK(heard == records(kOne));
        CHECK(hearing.feed->listens("token"));
        CHECK_FALSE(hearing.feed->listens("another"));
        hearing.feed->tell(kOne);  // no news
        hearing.feed->tell(kTwo);
        heard = co_await hearing.next();
        CHECK(heard == records(kTwo));
    });
}

TEST_CASE("of what changed meanwhile the newest is heard, of either kind") {
    Hearing hearing;
    hearing.feed->tell(kOne);
    hearing.feed->tell(kTwo);
    hearing.feed->tellChallenges(5);
    hearing.feed->tellChallenges(6);
    hearing.run([&]() -> asio::awaitable<void> {
        std::string heard = co_await hearing.next();
        CHECK(heard == records(kTwo) + "event: challenges\ndata: 6\n\n");
        hearing.feed->tellChallenges(7);
        heard = co_await hearing.next();
        CHECK(heard == "event: challenges\ndata: 7\n\n");
        hearing.feed->tell(kThree);
        heard = co_await hearing.next();
        CHECK(heard == records(kThree));
    });
}

TEST_CASE("a stream on which nothing happens says that all is well") {
    Hearing hearing(1ms);
    hearing.feed->tell(kOne);
    hearing.run([&]() -> asio::awaitable<void> {
        co_await hearing.next();
        const std::string heard = co_await hearing.next();
        CHECK(heard.starts_with(": "));
        CHECK(heard.ends_with("\n\n"));
    });
}

TEST_CASE("a stream ends as soon as what was shown for it counts no more") {
    Hearing hearing(1ms);
    hearing.feed->tell(kOne);
    hearing.run([&]() -> asio::awaitable<void> {
        co_await hearing.next();
        hearing.counts = false;
        asio::steady_timer never(hearing.pair.client.get_executor(), 1h);
        co_await never.async_wait(asio::use_awaitable);
    });
    CHECK_FALSE(hearing.counts);
}

TEST_CASE("of one token the newest stream lives, and there is room for so many tokens") {
    asio::io_context io{1};
    Feed feed(io.get_executor());
    const auto always = [] { return true; };
    auto first = feed.open("token", always);
    CHECK(feed.listeners() == std::set<std::string>{"token"});
    auto second = feed.open("token", always);
    first.reset();
    CHECK(feed.listens("token"));
    std::vector<std::shared_ptr<const net::HttpStream>> streams;
    for (std::size_t i = 1; i < Feed::kMostStreams; ++i) {
        streams.push_back(feed.open(std::to_string(i), always));
        CHECK(streams.back() != nullptr);
    }
    CHECK(feed.listeners().size() == Feed::kMostStreams);
    CHECK(feed.open("one too many", always) == nullptr);
    streams.pop_back();
    CHECK(feed.open("one too many", always) != nullptr);
}
