#include "gateway/net/http_stream.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include <asio/use_awaitable.hpp>

#include "gateway/base/error.h"

namespace gateway::net {

namespace {

/// What is sent at a time; each such part has the whole of the time limit, so that a slow client is
/// served as long as it goes on at all.
constexpr std::size_t kPart = 64UL * 1024;

/// RFC 9112 7.1: the size of a chunk and its line end.
std::string chunkHead(std::size_t octets) {
    std::array<char, 24> line{};
    const int length = std::snprintf(line.data(), line.size(), "%zx\r\n", octets);
    return {line.data(), static_cast<std::size_t>(length)};
}

}  // namespace

HttpBody::HttpBody(LineStream& stream, std::string head, std::optional<std::uint64_t> length,
                   std::chrono::milliseconds pace)
    : m_stream(stream), m_head(std::move(head)), m_left(length), m_pace(pace) {}

asio::awaitable<void> HttpBody::send(std::string_view octets) {
    m_stream.expiresAfter(m_pace);
    co_await m_stream.write(octets);
    m_stream.expiresAfter(m_pace);
}

asio::awaitable<void> HttpBody::write(std::string_view octets) {
    std::string part = std::move(m_head);
    m_head.clear();
    m_begun = true;
    while (!octets.empty()) {
        const std::string_view piece = octets.substr(0, kPart);
        if (m_left && *m_left < piece.size()) {
            throw Error(Error::Kind::Internal, "a response is longer than its length says");
        }
        if (m_left) {
            *m_left -= piece.size();
            part += piece;
        } else {
            part += chunkHead(piece.size());
            part += piece;
            part += "\r\n";
        }
        octets.remove_prefix(piece.size());
        co_await send(part);
        part.clear();
    }
    if (!part.empty()) {
        co_await send(part);
    }
}

asio::awaitable<void> HttpBody::wait(asio::steady_timer& alarm) {
    const auto left = alarm.expiry() - std::chrono::steady_clock::now();
    m_stream.expiresAfter(
        std::clamp<std::chrono::steady_clock::duration>(left, {}, std::chrono::hours(24)) + m_pace);
    co_await m_stream.awaitAlarm(alarm);
    m_stream.expiresAfter(m_pace);
}

asio::awaitable<bool> HttpBody::end() {
    if (m_left && *m_left > 0) {
        co_return false;
    }
    if (!m_begun) {
        co_await write(std::string_view());
    }
    if (!m_left) {
        co_await send("0\r\n\r\n");
    }
    co_return true;
}

}  // namespace gateway::net
