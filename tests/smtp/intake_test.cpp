// Messages on their way in: what they hold of `message_memory` while their senders stall.
#include "smtp/intake.h"

#include <deque>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <doctest/doctest.h>

#include "tests/smtp/scripted_server.h"

namespace {

/// Takes everything and keeps nothing.
class BottomlessStore final : public gateway::MessageStore {
public:
    class Nowhere final : public gateway::Incoming {
    public:
        void append(std::span<const std::byte>) override {}
        void commit() override {}
        void withdraw() noexcept override {}
    };
    std::unique_ptr<gateway::Incoming> begin(const gateway::Drop&,
                                             const gateway::MessageId&) override {
        return std::make_unique<Nowhere>();
    }
    gateway::Listing list(const gateway::Drop&) override { return {}; }
    std::unique_ptr<gateway::Outgoing> open(const gateway::Drop&,
                                            const gateway::MessageId&) override {
        return nullptr;
    }
    void remove(const gateway::Drop&, std::span<const gateway::MessageId>) override {}
};

}  // namespace

TEST_CASE("a sender that stalls in a message still counts with the memory it holds") {
    constexpr std::size_t kPiece = 64 * 1024;
    asio::io_context io{1};
    asio::thread_pool workers(1);
    const smtp::Options options;
    smtp::test::ScriptedHouse house;
    // The first sender's buffer has 256 KiB, of which 64 KiB are filled when it stalls.
    smtp::MessageMemory memory(300 * 1024);
    BottomlessStore store;
    const smtp::Engine engine(options, house, memory, store, workers);
    smtp::Session session(options, house, "192.0.2.1");
    std::deque<smtp::Intake> intakes;
    const std::string piece(kPiece, 'x');
    auto stallAll = [&]() -> asio::awaitable<void> {
        for (const int pieces : {5, 1}) {
            smtp::Intake& intake =
                intakes.emplace_back(engine, session, "192.0.2.1", smtp::DataReader::Form::Chunks);
            for (int taken = 0; taken < pieces; ++taken) {
                std::string_view input = piece;
                co_await intake.take(input);
            }
        }
    };
    std::exception_ptr thrown;
    asio::co_spawn(io, stallAll(), [&](std::exception_ptr error) { thrown = error; });
    io.run();
    CHECK_FALSE(thrown);
    CHECK(memory.exhausted());
    intakes.clear();
    CHECK_FALSE(memory.exhausted());
    workers.join();
}
