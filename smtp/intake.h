// One message on its way from the wire into the store: read, turned, sealed, made durable.
// Holds two buffers of plaintext at most, one that is filled while the other is sealed, however
// many recipients and however large the message; one of ordinary size makes one hop to a worker.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <asio/awaitable.hpp>
#include <asio/thread_pool.hpp>

#include "gateway/net/offload.h"
#include "gateway/store/deposit.h"
#include "smtp/data_reader.h"
#include "smtp/message_memory.h"
#include "smtp/session.h"

namespace smtp {

/// What the servers of SMTP need of the house, besides its answers to sessions.
struct Engine {
    Engine(const Options& sessionOptions, House& answers, MessageMemory& messageMemory,
           gateway::MessageStore& messages, asio::thread_pool& diskWorkers)
        : options(sessionOptions),
          house(answers),
          memory(messageMemory),
          store(messages),
          workers(diskWorkers) {}
    const Options& options;
    House& house;
    MessageMemory& memory;
    gateway::MessageStore& store;
    asio::thread_pool& workers;
    gateway::ReceiptLog* receipts = nullptr;  ///< null: none are written
    /// How long a worker may take for a part of a message while its sender waits to send more: less
    /// than a sender waits (RFC 5321 4.5.3.2.5).
    std::chrono::seconds patience{150};
};

/// Belongs to the I/O thread; its awaitables must not overlap. Destroyed unfinished it leaves
/// nothing behind, be it that a worker is still at it.
class Intake {
public:
    Intake(const Engine& engine, const Session& session, const std::string& peer,
           DataReader::Form form);
    ~Intake();
    Intake(const Intake&) = delete;
    Intake& operator=(const Intake&) = delete;

    /// Takes octets from `input`, removing them; true once the end of data was seen (Form::Dots).
    asio::awaitable<bool> take(std::string_view& input);

    /// Why it cannot be stored any more, as far as that is known; what still comes is dropped.
    std::optional<Refusal> refusal() const { return m_refusal; }

    /// All was read: the message's own header, where a pin of a recipient looks at it, else null.
    const OuterHeader* outerHeader();

    /// All was read: makes every copy durable, or says why not; then nothing of it is left. A disk
    /// that takes longer than `limit` is Trouble: what it brings about later is taken back.
    asio::awaitable<std::optional<Refusal>> finish(std::chrono::seconds limit);

    /// What the store said where it could not; for an admin. Empty where the sender is to blame.
    const std::string& cause() const { return m_cause; }

    const gateway::MessageId& id() const;
    std::uint64_t size() const { return m_reader.size(); }

private:
    struct Work;

    asio::awaitable<void> flush();
    asio::awaitable<void> sealed(std::chrono::steady_clock::duration limit);
    void abandon();

    const Engine& m_engine;
    std::shared_ptr<Work> m_work;
    DataReader m_reader;
    DataReader::Form m_form;
    std::optional<OuterHeader> m_outerHeader;  ///< where a pin looks at it
    MessageMemory::Part m_memory;
    std::optional<Refusal> m_refusal;
    std::string m_cause;
    std::optional<gateway::net::Running<std::optional<Refusal>>> m_sealing;
};

}  // namespace smtp
