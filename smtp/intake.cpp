#include "smtp/intake.h"

#include <atomic>

#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "smtp/trace_headers.h"

namespace smtp {

namespace {

using gateway::Error;

/// What is read before a worker seals it.
constexpr std::size_t kBufferSize = 256UL * 1024;
constexpr const char* kNoAnswer = "the disk does not answer";

/// Runs store work on a worker; an Error becomes the refusal the sender hears, and the cause.
template <typename Work>
std::optional<Refusal> attempt(std::string& cause, Work work) {
    try {
        work();
        return std::nullopt;
    } catch (const Error& error) {
        cause = error.what();
        return error.kind() == Error::Kind::DiskFull ? Refusal::DiskFull : Refusal::Trouble;
    }
}

}  // namespace

/// What workers touch, one at a time, while the I/O thread waits, has given up waiting, or fills
/// `pending` while `sealing` is sealed.
struct Intake::Work {
    Work(const Engine& engine, gateway::MessageId messageId)
        : store(engine.store), receipts(engine.receipts), id(std::move(messageId)) {}

    std::optional<Refusal> append(const std::string& plaintext) {
        if (abandoned) {
            deposit.reset();
            return Refusal::Trouble;
        }
        return attempt(cause, [&] {
            if (!deposit) {
                deposit =
                    std::make_unique<gateway::Deposit>(store, id, std::move(copies), receipts);
            }
            deposit->append(gateway::octetsOf(plaintext));
        });
    }

    std::optional<Refusal> commit() {
        if (const auto refusal = append(pending)) {
            deposit.reset();
            return refusal;
        }
        const auto refusal = attempt(cause, [this] { deposit->commit(); });
        if (!refusal && abandoned) {
            deposit->withdraw();
            gateway::log::warning(
                "a message was stored after its sender had been asked to try again; taken back",
                {{"id", id.str()}});
        } else if (!refusal) {
            deposit->writeReceipts(origin);
        }
        return refusal;
    }

    gateway::MessageStore& store;
    gateway::ReceiptLog* receipts;
    gateway::MessageId id;
    gateway::ReceiptLog::Origin origin;
    std::vector<gateway::Deposit::Copy> copies;
    std::string pending;  ///< plaintext that no worker has taken yet
    std::string sealing;  ///< plaintext that a worker seals while more is read
    std::unique_ptr<gateway::Deposit> deposit;
    std::string cause;                    ///< of the refusal
    std::atomic<bool> abandoned = false;  ///< the sender is told that nothing is stored
    std::optional<MessageMemory::Left> left;
};

Intake::Intake(const Engine& engine, const Session& session, const std::string& peer,
               DataReader::Form form)
    : m_engine(engine),
      m_work(std::make_shared<Work>(engine, gateway::MessageId::generate())),
      m_reader(form),
      m_form(form),
      m_memory(engine.memory) {
    if (engine.memory.heldByDisk()) {
        m_refusal = Refusal::Trouble;
        m_cause = kNoAnswer;
    }
    m_work->origin.peer = peer;
    if (session.tls()) {
        m_work->origin.tls = session.tls().version + '/' + session.tls().cipher;
    }
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
        co_await sealed(m_engine.patience);
        m_work->pending.clear();
        m_work->deposit.reset();
    } else if (pending.size() >= kBufferSize || m_engine.memory.exhausted()) {
        co_await flush();
    }
    // Their capacity: a sender that stalls after a flush still holds the buffers.
    m_memory.resize(m_work->pending.capacity() + m_work->sealing.capacity());
    co_return ended;
}

const OuterHeader* Intake::outerHeader() {
    if (!m_outerHeader) {
        return nullptr;
    }
    m_outerHeader->finish();
    return &*m_outerHeader;
}

/// Hands what was read to a worker, and waits only for the one before.
asio::awaitable<void> Intake::flush() {
    co_await sealed(m_engine.patience);
    if (m_refusal) {
        co_return;
    }
    m_work->sealing.swap(m_work->pending);
    auto append = [work = m_work] { return work->append(work->sealing); };
    const auto executor = co_await asio::this_coro::executor;
    m_sealing.emplace(m_engine.workers, executor, std::move(append));
    if (m_engine.memory.exhausted()) {
        co_await sealed(m_engine.patience);
        m_work->sealing.shrink_to_fit();
        m_work->pending.shrink_to_fit();
    }
}

/// Returns when no worker seals any more, or `limit` is over and the message given up.
asio::awaitable<void> Intake::sealed(std::chrono::steady_clock::duration limit) {
    if (!m_sealing) {
        co_return;
    }
    const auto outcome = co_await m_sealing->wait(limit);
    m_sealing.reset();
    if (!outcome) {
        abandon();
        co_return;
    }
    m_work->sealing.clear();
    if (!m_refusal && *outcome) {
        m_refusal = *outcome;
        m_cause = m_work->cause;
    }
}

asio::awaitable<std::optional<Refusal>> Intake::finish(std::chrono::seconds limit) {
    if (m_form == DataReader::Form::Chunks) {
        m_reader.finish(m_work->pending);
    }
    const auto deadline = std::chrono::steady_clock::now() + limit;
    co_await sealed(limit);
    if (m_refusal) {
        co_return m_refusal;
    }
    auto commit = [work = m_work] { return work->commit(); };
    const auto left = deadline - std::chrono::steady_clock::now();
    const auto outcome = co_await gateway::net::offloadFor(m_engine.workers, commit, left);
    if (!outcome) {
        abandon();
    } else if (*outcome) {
        m_refusal = *outcome;
        m_cause = m_work->cause;
    }
    co_return m_refusal;
}

/// A worker goes on with what it has, or begins with it some day: it finds that nobody waits any
/// more. What it holds counts until then.
void Intake::abandon() {
    m_work->left.emplace(m_engine.memory, m_work->pending.capacity() + m_work->sealing.capacity());
    m_work->abandoned = true;
    m_work = std::make_shared<Work>(m_engine, m_work->id);
    m_refusal = Refusal::Trouble;
    m_cause = kNoAnswer;
}

}  // namespace smtp
