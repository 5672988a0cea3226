#include "smtp/intake.h"

#include <atomic>

#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/net/offload.h"
#include "smtp/trace_headers.h"

namespace smtp {

namespace {

using gateway::Error;

/// What is read before a worker seals it.
constexpr std::size_t kBufferSize = 256UL * 1024;

/// Runs store work on a worker; an Error becomes the refusal the sender hears, and is logged once.
template <typename Work>
std::optional<Refusal> attempt(const gateway::MessageId& id, Work work) {
    try {
        work();
        return std::nullopt;
    } catch (const Error& error) {
        gateway::log::error("message not stored; the sender was asked to try again",
                            {{"id", id.str()}, {"cause", error.what()}});
        return error.kind() == Error::Kind::DiskFull ? Refusal::DiskFull : Refusal::Trouble;
    }
}

}  // namespace

/// What workers touch, one at a time, while the I/O thread waits or has given up waiting.
struct Intake::Work {
    explicit Work(gateway::MessageStore& messages)
        : store(messages), id(gateway::MessageId::generate()) {}

    std::optional<Refusal> append() {
        return attempt(id, [this] {
            if (!deposit) {
                deposit = std::make_unique<gateway::Deposit>(store, id, std::move(copies));
            }
            deposit->append(gateway::octetsOf(pending));
        });
    }

    std::optional<Refusal> commit() {
        if (const auto refusal = append()) {
            deposit.reset();
            return refusal;
        }
        const auto refusal = attempt(id, [this] { deposit->commit(); });
        if (!refusal && abandoned) {
            deposit->withdraw();
            gateway::log::warning(
                "a message was stored after its sender had been asked to try again; taken back",
                {{"id", id.str()}});
        }
        return refusal;
    }

    gateway::MessageStore& store;
    gateway::MessageId id;
    std::vector<gateway::Deposit::Copy> copies;
    std::string pending;  ///< plaintext that no worker has taken yet
    std::unique_ptr<gateway::Deposit> deposit;
    std::atomic<bool> abandoned = false;  ///< the sender was told that nothing is stored
};

Intake::Intake(const Engine& engine, const Session& session, const std::string& peer,
               DataReader::Form form)
    : m_engine(engine),
      m_work(std::make_shared<Work>(engine.store)),
      m_reader(form),
      m_form(form),
      m_memory(engine.memory) {
    const auto now = std::chrono::system_clock::now();
    for (const Envelope::To& to : session.envelope().to) {
        m_work->copies.emplace_back(
            to.drop, traceHeaders(session, engine.options, peer, to, m_work->id, now));
        if (to.allow && to.allow->looksInside()) {
            m_outerHeader.emplace();
        }
    }
}

Intake::~Intake() = default;

const gateway::MessageId& Intake::id() const { return m_work->id; }

asio::awaitable<bool> Intake::take(std::string_view& input) {
    std::string& pending = m_work->pending;
    const std::size_t before = pending.size();
    const bool ended = m_reader.push(input, pending);
    if (m_outerHeader) {
        m_outerHeader->push(std::string_view(pending).substr(before));
    }
    if (!m_refusal && m_reader.size() > m_engine.options.maxMessageSize) {
        m_refusal = Refusal::TooLarge;
    }
    if (m_refusal) {
        // RFC 5321 4.1.1.4: the rest is read to its end all the same, and dropped.
        pending.clear();
        m_work->deposit.reset();
    } else if (pending.size() >= kBufferSize || m_engine.memory.exhausted()) {
        co_await flush();
    }
    // Its capacity: a sender that stalls after a flush still holds the buffer.
    m_memory.resize(pending.capacity());
    co_return ended;
}

const OuterHeader* Intake::outerHeader() {
    if (!m_outerHeader) {
        return nullptr;
    }
    m_outerHeader->finish();
    return &*m_outerHeader;
}

asio::awaitable<void> Intake::flush() {
    auto append = [work = m_work] { return work->append(); };
    m_refusal = co_await gateway::net::offload(m_engine.workers, append);
    m_work->pending.clear();
    if (m_engine.memory.exhausted()) {
        m_work->pending.shrink_to_fit();
    }
}

asio::awaitable<std::optional<Refusal>> Intake::finish(std::chrono::seconds limit) {
    if (m_form == DataReader::Form::Chunks) {
        m_reader.finish(m_work->pending);
    }
    if (m_refusal) {
        co_return m_refusal;
    }
    auto commit = [work = m_work] { return work->commit(); };
    const auto outcome = co_await gateway::net::offloadFor(m_engine.workers, commit, limit);
    if (!outcome) {
        m_work->abandoned = true;
        gateway::log::error(
            "message not stored in time: the disk does not answer; the sender was asked to try "
            "again",
            {{"id", m_work->id.str()},
             {"seconds", static_cast<unsigned long long>(limit.count())}});
    }
    m_refusal = outcome ? *outcome : Refusal::Trouble;
    co_return m_refusal;
}

}  // namespace smtp
