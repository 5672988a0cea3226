#include "gateway/store/deposit.h"

#include <algorithm>
#include <optional>

#include "crypto/age_stream.h"
#include "crypto/digest.h"
#include "crypto/secret.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"

namespace gateway {

namespace {

/// The header of a sealed file and its nonce are fewer, a chunk is more.
constexpr std::size_t kLeastWrite = 1024;

/// One mailbox's copy: what it is sealed with, where it goes, how far it is.
struct SealedCopy {
    SealedCopy(MessageStore& store, const MessageId& id, const Deposit::Copy& copy, bool digested)
        : sealer(copy.drop.recipient),
          incoming(store.begin(copy.drop, id)),
          mailbox(copy.drop.mailbox),
          prefixSize(copy.prefix.size()) {
        if (digested) {
            digest.emplace();
        }
    }

    /// The octet of the message at which the sealer holds least, at or before `end`: just behind
    /// the first octet of a chunk, for a sealer keeps the last chunk back until more comes.
    std::uint64_t restBefore(std::uint64_t end) const {
        const std::uint64_t all = prefixSize + end;
        if (all == 0) {
            return taken;
        }
        const std::uint64_t rest = all - (all - 1) % crypto::kChunkSize;
        return rest > prefixSize + taken ? rest - prefixSize : taken;
    }

    void write(std::string_view octets) {
        if (digest) {
            digest->update(octetsOf(octets));
        }
        file.octets += octets.size();
        incoming->append(octetsOf(octets));
    }

    crypto::Sealer sealer;
    std::unique_ptr<Incoming> incoming;
    MailboxId mailbox;
    std::optional<crypto::Sha256> digest;  ///< of the sealed file so far, where it gets a receipt
    ReceiptEvent::File file;               ///< as its receipt tells it, once it is finished
    std::uint64_t prefixSize;
    std::uint64_t taken = 0;  ///< octets of the message that the sealer was given
    std::string start;        ///< sealed octets too few to be worth a write of their own
};

}  // namespace

/// The copies' headers have different lengths, so their chunks end at different octets of the
/// message. What some sealer still waits for is held once, for all of them.
struct Deposit::State {
    State(MessageId messageId, ReceiptLog* log) : id(std::move(messageId)), receipts(log) {}
    ~State() { forgetPending(); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void append(SealedCopy& copy, std::span<const std::byte> plaintext) {
        sealed.assign(copy.start);
        copy.start.clear();
        copy.sealer.seal(plaintext, sealed);
        if (sealed.size() < kLeastWrite) {
            copy.start.assign(sealed);
        } else {
            copy.write(sealed);
        }
    }

    /// Gives the message up to `end` to the copy's sealer; it is in `pending`, then in `fresh`.
    void advance(SealedCopy& copy, std::uint64_t end, std::span<const std::byte> fresh) {
        const std::uint64_t freshAt = pendingAt + pending.size();
        if (copy.taken < std::min(end, freshAt)) {
            const auto octets = octetsOf(pending).subspan(copy.taken - pendingAt);
            append(copy, octets.first(std::min(end, freshAt) - copy.taken));
            copy.taken = std::min(end, freshAt);
        }
        if (copy.taken < end) {
            append(copy, fresh.subspan(copy.taken - freshAt, end - copy.taken));
            copy.taken = end;
        }
    }

    /// Holds what the slowest copy has not taken of `pending` and `fresh`.
    void keepRest(std::span<const std::byte> fresh) {
        const std::uint64_t freshAt = pendingAt + pending.size();
        std::uint64_t least = freshAt + fresh.size();
        for (const SealedCopy& copy : copies) {
            least = std::min(least, copy.taken);
        }
        if (least >= freshAt) {
            forgetPending();
            pending = textOf(fresh.subspan(least - freshAt));
        } else {
            pending.erase(0, least - pendingAt);
            pending += textOf(fresh);
        }
        pendingAt = least;
    }

    void forgetPending() {
        pending.resize(pending.capacity());
        crypto::wipe(std::span<char>(pending));
        pending.clear();
    }

    void finish(SealedCopy& copy) {
        advance(copy, pendingAt + pending.size(), {});
        sealed.assign(copy.start);
        copy.sealer.finish(sealed);
        copy.write(sealed);
        if (copy.digest) {
            copy.file.sha256 = copy.digest->finish();
        }
        copy.incoming->commit();
    }

    MessageId id;
    ReceiptLog* receipts;
    std::vector<SealedCopy> copies;
    std::string pending;          ///< plaintext that some sealer waits for
    std::uint64_t pendingAt = 0;  ///< where in the message it begins
    std::string sealed;  ///< the one buffer between all sealers and the store; ciphertext only
};

Deposit::Deposit(MessageStore& store, MessageId id, std::vector<Copy> copies, ReceiptLog* receipts)
    : m_state(std::make_unique<State>(std::move(id), receipts)) {
    m_state->copies.reserve(copies.size());
    for (const Copy& copy : copies) {
        m_state->copies.emplace_back(store, m_state->id, copy, receipts != nullptr);
        m_state->append(m_state->copies.back(), octetsOf(copy.prefix));
    }
}

Deposit::~Deposit() = default;
Deposit::Deposit(Deposit&&) noexcept = default;

void Deposit::append(std::span<const std::byte> plaintext) {
    const std::uint64_t end = m_state->pendingAt + m_state->pending.size() + plaintext.size();
    for (SealedCopy& copy : m_state->copies) {
        m_state->advance(copy, copy.restBefore(end), plaintext);
    }
    m_state->keepRest(plaintext);
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

void Deposit::withdraw() noexcept {
    for (SealedCopy& copy : m_state->copies) {
        copy.incoming->withdraw();
    }
}

void Deposit::writeReceipts(const ReceiptLog::Origin& origin) noexcept {
    for (const SealedCopy& copy : m_state->copies) {
        if (m_state->receipts != nullptr) {
            m_state->receipts->stored(copy.mailbox, m_state->id, copy.file, origin);
        }
    }
}

const MessageId& Deposit::id() const { return m_state->id; }

}  // namespace gateway
