// The SMTP server over a loopback socket: what depends on time. All else is played in dialogues.
#include "smtp/server.h"

#include <array>
#include <functional>

#include <asio/read.hpp>
#include <asio/thread_pool.hpp>
#include <doctest/doctest.h>

#include "gateway/store/directory_store.h"
#include "tests/net/talk.h"
#include "tests/smtp/scripted_server.h"

namespace {

smtp::Timeouts aSecondForEachBlock() {
    smtp::Timeouts times;
    times.dataBlock = std::chrono::seconds(1);
    return times;
}

smtp::Options exampleOptions() {
    smtp::Options options;
    options.hostname = "msgw1.example.com";
    options.domain = "msgw.example.com";
    return options;
}

/// Says `commands`, then sends an octet of content now and then, for as long as the server takes it
/// and ten times as long as it should; gives the server's last line.
std::string lastWordToOneThatDrips(const std::string& commands) {
    const smtp::Options options = exampleOptions();
    smtp::test::ScriptedHouse house;
    smtp::MessageMemory memory(1 << 20);
    gateway::DirectoryStore store(gateway::Layout("/nonexistent"));
    asio::thread_pool workers(1);
    const gateway::net::TlsHolder tls(nullptr);
    smtp::Server server(
        smtp::Engine(options, house, memory, store, workers), tls,
        [](const gateway::Drop&) { return true; }, aSecondForEachBlock());
    talk::Pair pair;
    pair.send(commands);
    asio::steady_timer pause(pair.io());
    int octets = 200;
    const std::function<void(const asio::error_code&)> drip = [&](const asio::error_code&) {
        asio::error_code gone;
        asio::write(pair.client, asio::buffer("x", 1), gone);
        if (--octets == 0) {
            pair.client.shutdown(asio::ip::tcp::socket::shutdown_send, gone);
            return;
        }
        pause.expires_after(std::chrono::milliseconds(50));
        pause.async_wait(drip);
    };
    drip({});
    auto side = [&](gateway::net::LineStream& stream) -> asio::awaitable<void> {
        co_await server.converse(stream, false);
        stream.close();
    };
    pair.run(side);
    std::string heard;
    asio::error_code end;
    asio::read(pair.client, asio::dynamic_buffer(heard), end);
    return heard.substr(heard.rfind("\r\n", heard.size() - 3) + 2);
}

}  // namespace

TEST_CASE("a sender that drips content an octet at a time is cut when its block's time is over") {
    const std::string envelope = "EHLO client.example.com\r\nMAIL FROM:<>\r\nRCPT TO:<" +
                                 smtp::test::mailboxOf('a').str() + "@msgw.example.com>\r\n";
    for (const std::string& commands :
         {envelope + "DATA\r\n", envelope + "BDAT 1000000 LAST\r\n",
          std::string("EHLO client.example.com\r\nBDAT 1000000 LAST\r\n")}) {
        CHECK(lastWordToOneThatDrips(commands).starts_with("421 4.4.2"));
    }
}
