#include "crypto/secret.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <sodium.h>

#include "crypto/c_octets.h"
#include "crypto/sodium.h"
#include "gateway/base/error.h"

namespace crypto {

void requireSodium() {
    static const int started = sodium_init();
    if (started < 0) {
        throw gateway::Error(gateway::Error::Kind::Internal, "libsodium does not start");
    }
}

SecretBuffer::SecretBuffer(std::size_t size) : m_size(size) {
    if (size == 0) {
        return;
    }
    requireSodium();
    m_octets = static_cast<std::byte*>(sodium_malloc(size));
    if (m_octets == nullptr) {
        throw gateway::Error(gateway::Error::Kind::Internal,
                             "no memory for a secret of " + std::to_string(size) + " octets");
    }
    // sodium_malloc fills with a marker; a secret that was never written must not look like one.
    sodium_memzero(m_octets, size);
}

SecretBuffer::SecretBuffer(std::span<const std::byte> octets) : SecretBuffer(octets.size()) {
    std::copy(octets.begin(), octets.end(), m_octets);
}

SecretBuffer::~SecretBuffer() { sodium_free(m_octets); }

SecretBuffer::SecretBuffer(SecretBuffer&& other) noexcept
    : m_octets(std::exchange(other.m_octets, nullptr)), m_size(std::exchange(other.m_size, 0)) {}

SecretBuffer& SecretBuffer::operator=(SecretBuffer&& other) noexcept {
    if (this != &other) {
        sodium_free(m_octets);
        m_octets = std::exchange(other.m_octets, nullptr);
        m_size = std::exchange(other.m_size, 0);
    }
    return *this;
}

std::string_view SecretBuffer::text() const {
    return {reinterpret_cast<const char*>(m_octets), m_size};
}

void wipe(std::span<std::byte> octets) {
    if (!octets.empty()) {
        sodium_memzero(octets.data(), octets.size());
    }
}

void wipe(std::span<char> text) { wipe(std::as_writable_bytes(text)); }

bool equalInConstantTime(std::span<const std::byte> left, std::span<const std::byte> right) {
    return left.size() == right.size() &&
           sodium_memcmp(asInput(left), asInput(right), left.size()) == 0;
}

bool memoryLocked(std::size_t octets) {
    requireSodium();
    // sodium_malloc goes on where the kernel refuses to lock, so it is tried here on its own.
    std::vector<std::byte> sample(octets);
    if (sodium_mlock(sample.data(), sample.size()) != 0) {
        return false;
    }
    sodium_munlock(sample.data(), sample.size());
    return true;
}

}  // namespace crypto
