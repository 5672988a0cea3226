// One call of an HTTP server and what came of it, as values. Never sends anything: net/http_client
// does, and who decides what to call next needs no socket for it.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/text.h"

namespace gateway {

/// In the order of arrival; a name may come several times.
using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// What to ask.
struct HttpCall {
    std::string method = "GET";
    std::string url;  ///< http or https, nothing else
    HttpHeaders headers;
    std::string body;

    /// Roots to verify the server by instead of the system's.
    std::filesystem::path caFile;
    /// SHA-256 of the public key (SubjectPublicKeyInfo) that its certificate must have, in base64
    /// as RFC 7469 2.4 has it. Then nothing else about the certificate counts: neither who signed
    /// it, nor its names and dates.
    std::string pin;
    std::size_t mostBody = std::size_t{256} * 1024;            ///< of the answer, in octets
    std::chrono::milliseconds time{std::chrono::seconds(60)};  ///< for all of it
    bool direct = false;  ///< past any proxy of the environment

    /// Takes the body of a 200 as it comes, which then is not kept; false ends the call. Called on
    /// the thread of the client.
    std::function<bool(std::string_view octets)> sink;
    std::chrono::seconds quiet{0};  ///< the call ends where nothing comes for so long; 0: it waits
};

/// What was answered, or why nothing was.
struct HttpAnswer {
    enum class Trouble {
        None,         ///< there is an answer, whatever its status says
        Unresolved,   ///< the host has no address
        Unreachable,  ///< nobody accepts a connection there
        Tls,          ///< the handshake failed, or its certificate proves nothing
        TimedOut,
        TooLarge,
        Broken,   ///< it ended early, or was no HTTP
        Stopped,  ///< we are going down
    };
    Trouble trouble = Trouble::None;
    std::string cause;  ///< in words, where there is trouble

    int status = 0;
    HttpHeaders headers;
    std::string body;

    /// The first of that name, in any case; nothing where there is none.
    std::optional<std::string_view> header(std::string_view name) const {
        for (const auto& [key, value] : headers) {
            if (equalsIgnoringCase(key, name)) {
                return value;
            }
        }
        return std::nullopt;
    }
};

}  // namespace gateway
