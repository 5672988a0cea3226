// Whoever takes a key out of use waits for what is being stored under it, and for nothing else.
#include "smtp/commits_under_way.h"

#include <memory>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <doctest/doctest.h>

using gateway::MailboxId;
using smtp::CommitsUnderWay;

TEST_CASE("the wait ends with the last message for that mailbox that had begun before") {
    const MailboxId ours = MailboxId::generate();
    const MailboxId other = MailboxId::generate();
    asio::io_context io;
    CommitsUnderWay commits;
    bool ended = false;
    const auto wait = [&]() -> asio::awaitable<void> {
        co_await commits.ended(ours);
        ended = true;
    };
    const auto endedAfterAll = [&] {
        io.restart();
        io.poll();
        return ended;
    };
    const CommitsUnderWay::Entry foreign(commits, {other});
    SUBCASE("nothing under way: no wait") {
        asio::co_spawn(io, wait(), asio::detached);
        CHECK(endedAfterAll());
    }
    SUBCASE("two are under way, a third comes later") {
        auto first = std::make_unique<CommitsUnderWay::Entry>(commits, std::vector{other, ours});
        auto second = std::make_unique<CommitsUnderWay::Entry>(commits, std::vector{ours});
        asio::co_spawn(io, wait(), asio::detached);
        CHECK_FALSE(endedAfterAll());
        const CommitsUnderWay::Entry later(commits, {ours});
        first.reset();
        CHECK_FALSE(endedAfterAll());
        second.reset();
        CHECK(endedAfterAll());
    }
}
