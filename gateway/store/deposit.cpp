#include "gateway/store/deposit.h"

#include "crypto/age_stream.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"

namespace gateway {

namespace {

/// One mailbox's copy: what it is sealed with, and where it goes.
struct SealedCopy {
    SealedCopy(MessageStore& store, const MessageId& id, const Deposit::Copy& copy)
        : sealer(copy.drop.recipient), incoming(store.begin(copy.drop, id)) {}
    crypto::Sealer sealer;
    std::unique_ptr<Incoming> incoming;
};

}  // namespace

struct Deposit::State {
    explicit State(MessageId messageId) : id(std::move(messageId)) {}

    void append(SealedCopy& copy, std::span<const std::byte> plaintext) {
        sealed.clear();
        copy.sealer.seal(plaintext, sealed);
        copy.incoming->append(octetsOf(sealed));
    }

    void finish(SealedCopy& copy) {
        sealed.clear();
        copy.sealer.finish(sealed);
        copy.incoming->append(octetsOf(sealed));
        copy.incoming->commit();
    }

    MessageId id;
    std::vector<SealedCopy> copies;
    std::string sealed;  ///< the one buffer between all sealers and the store; ciphertext only
};

Deposit::Deposit(MessageStore& store, MessageId id, std::vector<Copy> copies)
    : m_state(std::make_unique<State>(std::move(id))) {
    m_state->copies.reserve(copies.size());
    for (const Copy& copy : copies) {
        m_state->copies.emplace_back(store, m_state->id, copy);
        m_state->append(m_state->copies.back(), octetsOf(copy.prefix));
    }
}

Deposit::~Deposit() = default;
Deposit::Deposit(Deposit&&) noexcept = default;

void Deposit::append(std::span<const std::byte> plaintext) {
    for (SealedCopy& copy : m_state->copies) {
        m_state->append(copy, plaintext);
    }
}

void Deposit::commit() {
    std::size_t committed = 0;
    try {
        for (; committed < m_state->copies.size(); ++committed) {
            m_state->finish(m_state->copies[committed]);
        }
    } catch (...) {
        while (committed > 0) {
            m_state->copies[--committed].incoming->withdraw();
        }
        throw;
    }
}

const MessageId& Deposit::id() const { return m_state->id; }

}  // namespace gateway
