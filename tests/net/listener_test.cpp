// Accepting, counting and refusing connections, over real loopback sockets.
#include "gateway/net/listener.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/streambuf.hpp>
#include <asio/write.hpp>
#include <doctest/doctest.h>

#include "gateway/base/error.h"
#include "gateway/net/peer.h"

namespace net = gateway::net;
using asio::ip::tcp;

namespace {

/// A server that greets and then waits for a line; stopped by the test.
struct House {
    explicit House(net::Listener::Limits limits, bool busy = false)
        : listener(io, "test", std::move(limits),
                   [busy](net::LineStream& stream, bool) {
                       stream.setBusy(busy);
                       return greet(stream);
                   }),
          port(listener.listen("127.0.0.1", 0, false)) {
        listener.start();
    }

    static asio::awaitable<void> greet(net::LineStream& stream) {
        co_await stream.write("hello\r\n");
        co_await stream.readLine(100);
    }

    /// Connects and reads what comes first, while the server runs.
    std::string connect(tcp::socket& client, const char* from = "127.0.0.1") {
        std::string line;
        asio::streambuf buffer;
        client.open(tcp::v4());
        client.bind({asio::ip::make_address(from), 0});
        client.connect({asio::ip::address_v4::loopback(), port});
        asio::async_read_until(client, buffer, '\n', [&](const asio::error_code&, std::size_t got) {
            line.assign(static_cast<const char*>(buffer.data().data()), got);
            io.stop();
        });
        io.restart();
        io.run();
        return line;
    }

    void finish() {
        listener.stop();
        io.restart();
        io.run();
    }

    asio::io_context io{1};
    net::Listener listener;
    std::uint16_t port;
};

net::Listener::Limits limitsOf(std::size_t all, std::size_t perAddress) {
    net::Listener::Limits limits;
    limits.connections = all;
    limits.connectionsPerAddress = perAddress;
    limits.refusal = "too many\r\n";
    return limits;
}

}  // namespace

TEST_CASE("the one connection too many hears why, and a place that is free again is given") {
    for (const auto& limits : {limitsOf(1, 0), limitsOf(10, 1)}) {
        House house(limits);
        tcp::socket first(house.io);
        CHECK(house.connect(first) == "hello\r\n");
        tcp::socket second(house.io);
        CHECK(house.connect(second) == "too many\r\n");
        CHECK(house.listener.connections() == 1);
        first.close();
        while (house.listener.connections() > 0) {
            house.io.restart();
            house.io.run_one();
        }
        tcp::socket third(house.io);
        CHECK(house.connect(third) == "hello\r\n");
        house.finish();
    }
}

TEST_CASE("where all places are taken, who holds the most gives up an idle one") {
    House house(limitsOf(2, 0));
    tcp::socket first(house.io);
    tcp::socket second(house.io);
    CHECK(house.connect(first) == "hello\r\n");
    CHECK(house.connect(second) == "hello\r\n");
    tcp::socket again(house.io);
    CHECK(house.connect(again) == "too many\r\n");
    tcp::socket other(house.io);
    CHECK(house.connect(other, "127.0.0.2") == "hello\r\n");
    std::string heard;
    asio::error_code end;  // of the one that was idle for longest
    asio::async_read(first, asio::dynamic_buffer(heard),
                     [&](const asio::error_code& why, std::size_t) {
                         end = why;
                         house.io.stop();
                     });
    house.io.restart();
    house.io.run();
    CHECK(end == asio::error::eof);
    CHECK(house.listener.connections() == 2);
    tcp::socket third(house.io);
    CHECK(house.connect(third, "127.0.0.3") == "too many\r\n");  // one each is fair
    house.finish();
}

TEST_CASE("who has something to lose is not put out for others") {
    House house(limitsOf(2, 0), true);
    tcp::socket first(house.io);
    tcp::socket second(house.io);
    CHECK(house.connect(first) == "hello\r\n");
    CHECK(house.connect(second) == "hello\r\n");
    tcp::socket other(house.io);
    CHECK(house.connect(other, "127.0.0.2") == "too many\r\n");
    house.finish();
}

TEST_CASE("where conversations are short the oldest of the busiest ends, whatever it is at") {
    net::Listener::Limits limits = limitsOf(3, 2);
    limits.oldestGivesWay = true;
    House house(limits, true);  // each has something to lose
    const auto endOf = [&](tcp::socket& client) {
        asio::error_code end;
        std::string heard;
        asio::async_read(client, asio::dynamic_buffer(heard),
                         [&](const asio::error_code& why, std::size_t) {
                             end = why;
                             house.io.stop();
                         });
        house.io.restart();
        house.io.run();
        return end;
    };
    std::vector<tcp::socket> clients;
    const auto comes = [&](const char* from) -> tcp::socket& {
        clients.emplace_back(house.io);
        CHECK(house.connect(clients.back(), from) == "hello\r\n");
        return clients.back();
    };
    clients.reserve(10);
    tcp::socket& other = comes("127.0.0.9");
    tcp::socket& first = comes("127.0.0.1");
    tcp::socket& second = comes("127.0.0.1");
    comes("127.0.0.2");
    CHECK(endOf(first) == asio::error::eof);
    comes("127.0.0.1");  // all places are taken again, one by itself
    CHECK(endOf(second) == asio::error::eof);
    comes("127.0.0.3");  // one each: then it is the oldest of all
    CHECK(endOf(other) == asio::error::eof);
    CHECK(house.listener.connections() == 3);
    house.finish();
}

TEST_CASE("a client has no more than its places even then: it ends its own oldest") {
    net::Listener::Limits limits = limitsOf(10, 2);
    limits.oldestGivesWay = true;
    House house(limits, true);
    std::vector<tcp::socket> clients;
    for (int i = 0; i < 5; ++i) {
        CHECK(house.connect(clients.emplace_back(house.io)) == "hello\r\n");
    }
    while (house.listener.connections() > 2) {
        house.io.restart();
        house.io.run_one();
    }
    CHECK(house.listener.connections() == 2);
    house.finish();
}

TEST_CASE("a client that said more than was read is not reset, so that our last words reach it") {
    House house(limitsOf(10, 0));
    tcp::socket client(house.io);
    client.connect({asio::ip::address_v4::loopback(), house.port});
    const std::string much(4 << 20, '\n');
    std::string heard;
    asio::error_code sent;
    asio::error_code end;
    asio::async_write(client, asio::buffer(much), [&](const asio::error_code& error, std::size_t) {
        sent = error;
        asio::async_read(client, asio::dynamic_buffer(heard),
                         [&](const asio::error_code& why, std::size_t) {
                             end = why;
                             house.io.stop();
                         });
    });
    house.io.restart();
    house.io.run();
    CHECK_FALSE(sent);
    CHECK(heard == "hello\r\n");
    CHECK(end == asio::error::eof);
    house.finish();
}

TEST_CASE("stop ends idle connections, and drained returns when the last is gone") {
    House house(limitsOf(10, 0));
    tcp::socket client(house.io);
    CHECK(house.connect(client) == "hello\r\n");
    bool drained = false;
    auto wait = [&]() -> asio::awaitable<void> {
        co_await house.listener.drained(std::chrono::steady_clock::time_point::max());
        drained = true;
    };
    asio::co_spawn(house.io, wait(), asio::detached);
    house.io.restart();
    house.io.poll();
    CHECK_FALSE(drained);
    house.finish();
    CHECK(drained);
    CHECK(house.listener.connections() == 0);
}

TEST_CASE("a port in use and an address that is not ours are errors that say what to do") {
    House house(limitsOf(1, 0));
    asio::io_context io;
    net::Listener other(io, "other", limitsOf(1, 0),
                        [](net::LineStream& stream, bool) { return House::greet(stream); });
    try {
        other.listen("127.0.0.1", house.port, false);
        FAIL("bound twice");
    } catch (const gateway::Error& error) {
        CHECK(error.kind() == gateway::Error::Kind::Busy);
        CHECK(std::string(error.what()).find("in use by another program") != std::string::npos);
    }
    CHECK_THROWS_AS(other.listen("192.0.2.1", 0, false), gateway::Error);
    house.finish();
}

TEST_CASE("an IPv6 wildcard takes IPv4 clients too") {
    asio::io_context io;
    net::Listener listener(io, "both", limitsOf(10, 0),
                           [](net::LineStream& stream, bool) { return House::greet(stream); });
    const std::uint16_t port = listener.listen("::", 0, false);
    tcp::socket client(io);
    asio::error_code error;
    client.connect({asio::ip::address_v4::loopback(), port}, error);
    CHECK_FALSE(static_cast<bool>(error));
}

TEST_CASE("an IPv6 client stands for its /64, an IPv4 client for itself") {
    CHECK(net::networkOf("192.0.2.7") == "192.0.2.7");
    CHECK(net::networkOf("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64");
    CHECK(net::networkOf("2001:db8:1:2:ffff::1") == net::networkOf("2001:db8:1:2::9"));
    CHECK(net::networkOf("2001:db8:1:3::1") != net::networkOf("2001:db8:1:2::1"));
}
