#include "crypto/age_stream.h"

#include <algorithm>
#include <utility>

#include "crypto/age_header.h"
#include "crypto/age_payload.h"
#include "gateway/base/error.h"
#include "gateway/base/random.h"
#include "gateway/base/text.h"

namespace crypto {

namespace {

[[noreturn]] void refuseHeader() {
    throw gateway::Error(gateway::Error::Kind::Corrupt,
                         "age header: not that of a message, which has one X25519 stanza only");
}

}  // namespace

std::uint64_t sealedSize(std::uint64_t plaintext) {
    // An empty payload has one empty chunk; else every chunk holds at least one octet.
    const std::uint64_t chunks = plaintext == 0 ? 1 : (plaintext - 1) / kChunkSize + 1;
    return kHeaderSize + kNonceSize + plaintext + chunks * kTagSize;
}

std::optional<std::uint64_t> plaintextSize(std::uint64_t sealed) {
    constexpr std::uint64_t kLeast = kHeaderSize + kNonceSize + kTagSize;
    if (sealed < kLeast) {
        return std::nullopt;
    }
    const std::uint64_t payload = sealed - kHeaderSize - kNonceSize;
    const std::uint64_t chunks = (payload - 1) / kSealedChunkSize + 1;
    const std::uint64_t last = payload - (chunks - 1) * kSealedChunkSize;
    if (last < kTagSize || (last == kTagSize && chunks > 1)) {
        return std::nullopt;
    }
    return payload - chunks * kTagSize;
}

struct Sealer::State {
    explicit State(const FileKey& fileKey, const SealKey& recipient)
        : payload(fileKey), start(writeAgeHeader(wrapFileKey(fileKey, recipient), fileKey)) {
        start += gateway::textOf(payload.nonce());
    }

    PayloadSealer payload;
    std::string start;  ///< header and nonce, until they were given out
    bool finished = false;
};

Sealer::Sealer(const SealKey& recipient) {
    FileKey fileKey;
    gateway::fillRandom(fileKey.writable());
    m_state = std::make_unique<State>(fileKey, recipient);
}

Sealer::~Sealer() = default;
Sealer::Sealer(Sealer&&) noexcept = default;
Sealer& Sealer::operator=(Sealer&&) noexcept = default;

void Sealer::seal(std::span<const std::byte> plaintext, std::string& sealed) {
    if (m_state->finished) {
        throw gateway::Error(gateway::Error::Kind::Internal, "sealing after the last chunk");
    }
    sealed += std::exchange(m_state->start, {});
    m_state->payload.seal(plaintext, sealed);
}

void Sealer::finish(std::string& sealed) {
    seal({}, sealed);
    m_state->payload.finish(sealed);
    m_state->finished = true;
}

struct Opener::State {
    explicit State(const OpenKey& key) : identity(key.share()), recipient(key.sealKey()) {}

    /// Takes octets from `sealed` until header and nonce are there, then makes `payload`.
    void readStart(std::span<const std::byte>& sealed);

    std::shared_ptr<const Secret<32>> identity;  ///< until the file key is unwrapped
    SealKey recipient;
    std::string start;  ///< header and nonce, as far as they came
    std::unique_ptr<PayloadOpener> payload;
    bool ended = false;  ///< finished, or failed: nothing more is given out
};

void Opener::State::readStart(std::span<const std::byte>& sealed) {
    const std::size_t missing = kHeaderSize + kNonceSize - start.size();
    const std::span<const std::byte> taken = sealed.first(std::min(missing, sealed.size()));
    start += gateway::textOf(taken);
    sealed = sealed.subspan(taken.size());
    if (taken.size() < missing) {
        return;
    }
    // So that a file of another shape is not reported as one that ends too early.
    if (start[kHeaderSize - 1] != '\n') {
        refuseHeader();
    }
    const AgeHeader header = parseAgeHeader(std::string_view(start).substr(0, kHeaderSize));
    // An X25519 stanza leaves no room for another in that size.
    if (header.size != kHeaderSize || header.x25519.empty()) {
        refuseHeader();
    }
    FileKey fileKey;
    if (!unwrapFileKey(header.x25519.front(), identity->view(), recipient, fileKey)) {
        throw gateway::Error(gateway::Error::Kind::Corrupt,
                             "age header: not sealed to " + recipient.str());
    }
    identity.reset();
    checkMac(header, fileKey);
    PayloadNonce nonce{};
    std::copy_n(gateway::octetsOf(start).last(kNonceSize).begin(), kNonceSize, nonce.begin());
    payload = std::make_unique<PayloadOpener>(fileKey, nonce);
}

Opener::Opener(const OpenKey& identity) : m_state(std::make_unique<State>(identity)) {}

Opener::~Opener() = default;
Opener::Opener(Opener&&) noexcept = default;
Opener& Opener::operator=(Opener&&) noexcept = default;

void Opener::open(std::span<const std::byte> sealed, std::string& plaintext) {
    if (m_state->ended) {
        throw gateway::Error(gateway::Error::Kind::Internal, "opening after the end or a failure");
    }
    m_state->ended = true;  // unless it goes well
    if (!m_state->payload) {
        m_state->readStart(sealed);
    }
    if (m_state->payload) {
        m_state->payload->open(sealed, plaintext);
    }
    m_state->ended = false;
}

void Opener::finish(std::string& plaintext) {
    open({}, plaintext);
    m_state->ended = true;
    if (!m_state->payload) {
        throw gateway::Error(gateway::Error::Kind::Corrupt,
                             "age header: the file ends within header or nonce");
    }
    m_state->payload->finish(plaintext);
}

}  // namespace crypto
