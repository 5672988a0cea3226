// Messages on their way in: what they hold of `message_memory` while their senders stall.
#include "smtp/intake.h"

#include <deque>
#include <semaphore>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <doctest/doctest.h>

#include "tests/smtp/scripted_server.h"

namespace {

/// Takes everything and keeps nothing; may be made to hang.
class BottomlessStore final : public gateway::MessageStore {
public:
    class Nowhere final : public gateway::Incoming {
    public:
        explicit Nowhere(BottomlessStore& store) : m_store(store) {}
        void append(std::span<const std::byte>) override {
            if (m_store.hangsInMessage) {
                m_store.answers.acquire();
                m_store.hangsInMessage = false;
            }
            if (m_store.waitsForMore) {
                m_store.sawMore = m_store.more.try_acquire_for(std::chrono::seconds(20));
                m_store.waitsForMore = false;
            }
        }
        void commit() override {
            if (m_store.hangs) {
                m_store.answers.acquire();
            }
            ++m_store.committed;
        }
        void withdraw() noexcept override { ++m_store.withdrawn; }

    private:
        BottomlessStore& m_store;
    };
    std::unique_ptr<gateway::Incoming> begin(const gateway::Drop&,
                                             const gateway::MessageId&) override {
        ++begun;
        began.release();
        return std::make_unique<Nowhere>(*this);
    }
    gateway::Listing list(const gateway::Drop&) override { return {}; }
    std::unique_ptr<gateway::Outgoing> open(const gateway::Drop&,
                                            const gateway::MessageId&) override {
        return nullptr;
    }
    void remove(const gateway::Drop&, std::span<const gateway::MessageId>) override {}
    std::vector<gateway::DeletedMessage> listDeleted(const gateway::Drop&) override { return {}; }
    std::unique_ptr<gateway::Outgoing> openDeleted(const gateway::Drop&,
                                                   const gateway::MessageId&) override {
        return nullptr;
    }
    gateway::Restoration restore(const gateway::Drop&, const gateway::MessageId&) override {
        return gateway::Restoration::Unknown;
    }

    bool waitsForMore = false;  ///< its first write waits until the sender was read from again
    bool sawMore = false;
    std::binary_semaphore more{0};
    bool hangs = false;           ///< in commit()
    bool hangsInMessage = false;  ///< at the first append()
    std::counting_semaphore<8> answers{0};
    int begun = 0;
    std::counting_semaphore<8> began{0};
    int committed = 0;
    int withdrawn = 0;
};

}  // namespace

TEST_CASE("a large message is read on while what came of it is sealed") {
    asio::io_context io{1};
    asio::thread_pool workers(1);
    smtp::Options options;
    options.domain = "msgw.example.com";
    smtp::test::ScriptedHouse house;
    smtp::MessageMemory memory(8 << 20);
    BottomlessStore store;
    store.waitsForMore = true;
    const smtp::Engine engine(options, house, memory, store, workers);
    smtp::Session session(options, house, "192.0.2.1");
    for (const std::string& line :
         {std::string("EHLO x"), std::string("MAIL FROM:<>"),
          "RCPT TO:<" + smtp::test::mailboxOf('a').str() + "@msgw.example.com>"}) {
        REQUIRE(session.onCommand(line).code == 250);
    }
    std::optional<smtp::Refusal> answer = smtp::Refusal::Trouble;
    auto run = [&]() -> asio::awaitable<void> {
        smtp::Intake intake(engine, session, "192.0.2.1", smtp::DataReader::Form::Chunks);
        for (const std::size_t size : {300UL * 1024, 100UL * 1024}) {
            const std::string piece(size, 'x');
            std::string_view input = piece;
            co_await intake.take(input);
        }
        store.more.release();
        answer = co_await intake.finish(std::chrono::seconds(60));
    };
    std::exception_ptr thrown;
    asio::co_spawn(io, run(), [&](std::exception_ptr error) { thrown = error; });
    io.run();
    workers.join();
    CHECK_FALSE(thrown);
    CHECK(store.sawMore);
    CHECK_FALSE(answer);
    CHECK(store.committed == 1);
}

TEST_CASE("a sender that stalls in a message still counts with the memory it holds") {
    constexpr std::size_t kPiece = 64UL * 1024;
    asio::io_context io{1};
    asio::thread_pool workers(1);
    const smtp::Options options;
    smtp::test::ScriptedHouse house;
    // The first sender's buffer has 256 KiB, of which 64 KiB are filled when it stalls.
    smtp::MessageMemory memory(300UL * 1024);
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

namespace {

/// One message of four octets to one mailbox, on a context and a worker of its own; returns when
/// the worker has nothing left to do, with what the sender hears.
std::optional<smtp::Refusal> deliver(BottomlessStore& store, std::chrono::seconds limit) {
    asio::io_context io{1};
    asio::thread_pool workers(1);
    smtp::Options options;
    options.domain = "msgw.example.com";
    smtp::test::ScriptedHouse house;
    smtp::MessageMemory memory(1 << 20);
    const smtp::Engine engine(options, house, memory, store, workers);
    smtp::Session session(options, house, "192.0.2.1");
    for (const std::string& line :
         {std::string("EHLO x"), std::string("MAIL FROM:<>"),
          "RCPT TO:<" + smtp::test::mailboxOf('a').str() + "@msgw.example.com>"}) {
        REQUIRE(session.onCommand(line).code == 250);
    }
    std::optional<smtp::Refusal> answer;
    auto run = [&]() -> asio::awaitable<void> {
        smtp::Intake intake(engine, session, "192.0.2.1", smtp::DataReader::Form::Chunks);
        std::string_view input = "text";
        co_await intake.take(input);
        answer = co_await intake.finish(limit);
    };
    std::exception_ptr thrown;
    asio::co_spawn(io, run(), [&](std::exception_ptr error) {
        thrown = error;
        store.answers.release();  // the disk wakes up when nobody waits for it any more
    });
    io.run();
    workers.join();
    CHECK_FALSE(thrown);
    return answer;
}

}  // namespace

TEST_CASE("a disk that hangs is answered in time, and what it does later is taken back") {
    BottomlessStore hanging;
    hanging.hangs = true;
    // Long enough for the worker to come to its commit: before that it would not begin.
    CHECK(deliver(hanging, std::chrono::seconds(2)) == smtp::Refusal::Trouble);
    CHECK(hanging.committed == 1);
    CHECK(hanging.withdrawn == 1);
    BottomlessStore quick;
    CHECK_FALSE(deliver(quick, std::chrono::seconds(60)));
    CHECK(quick.committed == 1);
    CHECK(quick.withdrawn == 0);
}

TEST_CASE("a disk that hangs in the middle of a message keeps nobody longer than patience") {
    asio::io_context io{1};
    asio::thread_pool workers(1);
    smtp::Options options;
    options.domain = "msgw.example.com";
    smtp::test::ScriptedHouse house;
    constexpr std::size_t kPiece = 300UL * 1024;
    // What two of the four hanging messages leave to the disk is half of it.
    smtp::MessageMemory memory(2 * 3 * kPiece);
    BottomlessStore store;
    store.hangsInMessage = true;
    smtp::Engine engine(options, house, memory, store, workers);
    engine.patience = std::chrono::seconds(0);
    smtp::Session session(options, house, "192.0.2.1");
    for (const std::string& line :
         {std::string("EHLO x"), std::string("MAIL FROM:<>"),
          "RCPT TO:<" + smtp::test::mailboxOf('a').str() + "@msgw.example.com>"}) {
        REQUIRE(session.onCommand(line).code == 250);
    }
    std::vector<std::optional<smtp::Refusal>> answers;
    std::vector<std::string> causes;
    bool held = false;
    auto run = [&]() -> asio::awaitable<void> {
        for (int message = 0; message < 4; ++message) {
            smtp::Intake intake(engine, session, "192.0.2.1", smtp::DataReader::Form::Chunks);
            for (int piece = 0; piece < 3; ++piece) {
                const std::string text(kPiece, 'x');
                std::string_view input = text;
                co_await intake.take(input);
                if (message == 0 && piece == 0) {
                    store.began.acquire();  // what no worker has begun with would not be begun
                }
            }
            answers.push_back(co_await intake.finish(std::chrono::seconds(0)));
            causes.push_back(intake.cause());
        }
        held = memory.heldByDisk();
    };
    std::exception_ptr thrown;
    asio::co_spawn(io, run(), [&](std::exception_ptr error) {
        thrown = error;
        store.answers.release();
    });
    io.run();
    workers.join();
    CHECK_FALSE(thrown);
    CHECK(answers == std::vector<std::optional<smtp::Refusal>>(4, smtp::Refusal::Trouble));
    CHECK(causes == std::vector<std::string>(4, "the disk does not answer"));
    CHECK(held);
    CHECK_FALSE(memory.heldByDisk());
    CHECK_FALSE(memory.exhausted());
    CHECK(store.begun == 1);  // what had not begun when it was given up never does
    CHECK(store.committed == 0);
}
