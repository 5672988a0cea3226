#include "tests/bench/message.h"

#include <array>
#include <cstdint>

#include <openssl/evp.h>

namespace bench {

namespace {

constexpr std::string_view kBoundary = "=_bench_1b2c3d4e";
constexpr std::size_t kAround = 700;  ///< octets of header and end
constexpr std::size_t kBodies = 8;
constexpr std::size_t kLargeBody = 4UL << 20;  ///< of those two are enough

std::string sha256(std::string_view text) {
    std::array<unsigned char, 32> digest{};
    EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
    std::string hex;
    for (const unsigned char octet : digest) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        hex += kDigits[octet >> 4U];
        hex += kDigits[octet & 15U];
    }
    return hex;
}

/// Adds or removes the dots of RFC 5321 4.5.2 and RFC 1939 section 3.
std::string stuffed(std::string_view text) {
    std::string wire;
    wire.reserve(text.size() + 64);
    bool lineStart = true;
    for (const char octet : text) {
        wire.append(lineStart && octet == '.' ? 1 : 0, '.');
        wire += octet;
        lineStart = octet == '\n';
    }
    return wire;
}

std::string unstuffed(std::string_view wire) {
    std::string text;
    text.reserve(wire.size());
    while (!wire.empty()) {
        wire.remove_prefix(wire.front() == '.' ? 1 : 0);
        const std::size_t next = wire.find("\n.");
        const std::size_t run = next == std::string_view::npos ? wire.size() : next + 1;
        text += wire.substr(0, run);
        wire.remove_prefix(run);
    }
    return text;
}

std::string makeBody(std::size_t size, std::uint64_t seed) {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::string part = "--" + std::string(kBoundary) + "\r\n";
    std::string body =
        part +
        "Content-Type: text/plain\r\n\r\nSender: alice@example.com\r\n"
        "Subject: figures\r\nRecipient: bob@example.com\r\n.a dot\r\n..two\r\n.\r\n" +
        part +
        "Content-Type: message/rfc822\r\n\r\nFrom: alice@example.com\r\n"
        "Content-Type: application/octet-stream\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n";
    body.reserve(size + 128);
    std::uint64_t state = 0x9E3779B97F4A7C15U * (seed + 1);
    while (body.size() < size) {
        for (int column = 0; column < 76; ++column) {
            state ^= state << 13U;
            state ^= state >> 7U;
            state ^= state << 17U;
            body += kAlphabet[(state >> 20U) & 63U];
        }
        body += "\r\n";
    }
    return body;
}

std::string endOf(const std::string& id) {
    return "--" + std::string(kBoundary) + "--\r\nEND " + id + "\r\n";
}

std::string_view field(std::string_view header, std::string_view name) {
    const std::size_t at = header.find(name);
    if (at == std::string_view::npos) {
        return {};
    }
    const std::string_view rest = header.substr(at + name.size());
    return rest.substr(0, rest.find("\r\n"));
}

}  // namespace

Messages::Messages(std::size_t size, std::string run) : m_run(std::move(run)) {
    for (std::size_t number = 0; number < (size > kLargeBody ? 2 : kBodies); ++number) {
        const std::string body = makeBody(size > kAround ? size - kAround : 0, number);
        m_bodies.push_back({stuffed(body), sha256(body)});
    }
}

Messages::Message Messages::make(long number) const {
    const Body& body = m_bodies[static_cast<std::size_t>(number) % m_bodies.size()];
    Message message;
    message.id = m_run + "-" + std::to_string(number);
    message.header =
        "From: Journal <journal@example.com>\r\nTo: <archive@example.com>\r\n"
        "Subject: journal report " +
        message.id + "\r\nDate: Mon, 02 Jun 2025 10:00:00 +0000\r\nMessage-ID: <" + message.id +
        "@bench.example>\r\nX-Bench-Id: " + message.id + "\r\nX-Bench-SHA256: " + body.sha256 +
        "\r\nMIME-Version: 1.0\r\nX-MS-Journal-Report:\r\nContent-Type: multipart/mixed; "
        "boundary=\"" +
        std::string(kBoundary) + "\"\r\n\r\n";
    message.body = body.wire;
    message.end = endOf(message.id);
    return message;
}

Verdict judge(std::string_view wire) {
    const std::string text = unstuffed(wire);
    const std::size_t headerEnd = text.find("\r\n\r\n");
    Verdict verdict;
    if (headerEnd == std::string::npos) {
        return verdict;
    }
    const auto header = std::string_view(text).substr(0, headerEnd + 2);
    const auto rest = std::string_view(text).substr(headerEnd + 4);
    verdict.id = field(header, "\r\nX-Bench-Id: ");
    const std::string end = endOf(verdict.id);
    verdict.whole = rest.ends_with(end) && sha256(rest.substr(0, rest.size() - end.size())) ==
                                               field(header, "\r\nX-Bench-SHA256: ");
    return verdict;
}

}  // namespace bench
