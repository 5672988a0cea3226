// Secrets in memory: locked against swapping, wiped when they go, never copied by accident.
// Never has a formatter or an operator<<: logging one does not compile.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace crypto {

/// `size` octets from sodium_malloc; move-only. The memory is locked where the limit allows it
/// (memoryLocked() tells), fenced by guard pages, and wiped before it is given back.
class SecretBuffer {
public:
    SecretBuffer() = default;
    explicit SecretBuffer(std::size_t size);
    /// Copies `octets`; the caller wipes its own copy.
    explicit SecretBuffer(std::span<const std::byte> octets);
    ~SecretBuffer();
    SecretBuffer(const SecretBuffer&) = delete;
    SecretBuffer& operator=(const SecretBuffer&) = delete;
    SecretBuffer(SecretBuffer&& other) noexcept;
    SecretBuffer& operator=(SecretBuffer&& other) noexcept;

    std::span<std::byte> writable() { return {m_octets, m_size}; }
    std::span<const std::byte> view() const { return {m_octets, m_size}; }
    std::string_view text() const;
    std::size_t size() const { return m_size; }

private:
    std::byte* m_octets = nullptr;
    std::size_t m_size = 0;
};

/// A secret of exactly N octets.
template <std::size_t N>
class Secret {
public:
    Secret() : m_buffer(N) {}
    explicit Secret(std::span<const std::byte, N> octets)
        : m_buffer(std::span<const std::byte>(octets)) {}
    std::span<std::byte, N> writable() { return m_buffer.writable().template first<N>(); }
    std::span<const std::byte, N> view() const { return m_buffer.view().template first<N>(); }

private:
    SecretBuffer m_buffer;
};

/// Overwrites `octets` in a way no optimiser removes.
void wipe(std::span<std::byte> octets);
void wipe(std::span<char> text);

/// Compares in a time that depends on the length only.
bool equalInConstantTime(std::span<const std::byte> left, std::span<const std::byte> right);

/// Whether this process may lock so many octets more; where not, secrets may reach the swap.
bool memoryLocked(std::size_t octets);

}  // namespace crypto
