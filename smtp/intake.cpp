#include "smtp/intake.h"

#include <chrono>

#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/net/offload.h"
#include "smtp/trace_headers.h"

namespace smtp {

namespace {

using gateway::Error;

/// What is read before a worker seals it.
constexpr std::size_t kBufferSize = 256 * 1024;

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

Intake::Intake(const Engine& engine, const Session& session, const std::string& peer,
               DataReader::Form form)
    : m_engine(engine),
      m_id(gateway::MessageId::generate()),
      m_reader(form),
      m_form(form),
      m_memory(engine.memory) {
    const auto now = std::chrono::system_clock::now();
    for (const Envelope::To& to : session.envelope().to) {
        m_copies.emplace_back(to.drop, traceHeaders(session, engine.options, peer, to, m_id, now));
        if (to.allow && to.allow->looksInside()) {
            m_outerHeader.emplace();
        }
    }
}

Intake::~Intake() = default;

asio::awaitable<bool> Intake::take(std::string_view& input) {
    const std::size_t before = m_pending.size();
    const bool ended = m_reader.push(input, m_pending);
    if (m_outerHeader) {
        m_outerHeader->push(std::string_view(m_pending).substr(before));
    }
    if (!m_refusal && m_reader.size() > m_engine.options.maxMessageSize) {
        m_refusal = Refusal::TooLarge;
    }
    if (m_refusal) {
        // RFC 5321 4.1.1.4: the rest is read to its end all the same, and dropped.
        m_pending.clear();
        m_deposit.reset();
    } else if (m_pending.size() >= kBufferSize || m_engine.memory.exhausted()) {
        co_await flush();
    }
    // Its capacity: a sender that stalls after a flush still holds the buffer.
    m_memory.resize(m_pending.capacity());
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
    auto work = [this] { return append(); };
    m_refusal = co_await gateway::net::offload(m_engine.workers, work);
    m_pending.clear();
    if (m_engine.memory.exhausted()) {
        m_pending.shrink_to_fit();
    }
}

/// On a worker.
std::optional<Refusal> Intake::append() {
    return attempt(m_id, [this] {
        if (!m_deposit) {
            m_deposit =
                std::make_unique<gateway::Deposit>(m_engine.store, m_id, std::move(m_copies));
        }
        m_deposit->append(gateway::octetsOf(m_pending));
    });
}

/// On a worker.
std::optional<Refusal> Intake::commit() {
    if (const auto refusal = append()) {
        m_deposit.reset();
        return refusal;
    }
    return attempt(m_id, [this] { m_deposit->commit(); });
}

asio::awaitable<std::optional<Refusal>> Intake::finish() {
    if (m_form == DataReader::Form::Chunks) {
        m_reader.finish(m_pending);
    }
    if (!m_refusal) {
        auto work = [this] { return commit(); };
        m_refusal = co_await gateway::net::offload(m_engine.workers, work);
    }
    co_return m_refusal;
}

}  // namespace smtp
