// An HTTP request and its response as values (RFC 9110). Never reads or writes a socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/base/http_call.h"

namespace gateway::net {

/// Wipes its body when it goes: it may hold a password.
struct HttpRequest {
    HttpRequest() = default;
    HttpRequest(const HttpRequest&) = default;
    HttpRequest(HttpRequest&&) = default;
    HttpRequest& operator=(const HttpRequest&) = default;
    HttpRequest& operator=(HttpRequest&&) = default;
    ~HttpRequest() { ::explicit_bzero(body.data(), body.size()); }

    std::string method;  ///< "GET"
    std::string path;    ///< as it came, with its percent signs; begins with "/"
    std::string query;   ///< what stands behind the first "?"
    std::string host;  ///< of the Host field, without port, lower case; empty: HTTP/1.0 without one
    HttpHeaders fields;  ///< names in lower case, values without blanks around them
    std::string body;
    std::string peer;  ///< the client's address
    bool secured = false;
    bool keepAlive = false;   ///< whether the client would send another one
    bool oldVersion = false;  ///< HTTP/1.0: knows no chunks

    /// The value of a field that stands there once; null where it does not.
    const std::string* field(std::string_view lowerName) const;
};

/// Whether the host that a request names is an address and no name: "192.0.2.1", "[2001:db8::1]".
bool isAddress(const std::string& host);

struct HttpStream;

/// Wipes its body when it goes: it may hold a password.
struct HttpResponse {
    HttpResponse() = default;
    HttpResponse(const HttpResponse&) = default;
    HttpResponse(HttpResponse&&) = default;
    HttpResponse& operator=(const HttpResponse&) = default;
    HttpResponse& operator=(HttpResponse&&) = default;
    ~HttpResponse() { ::explicit_bzero(body.data(), body.size()); }

    unsigned status = 200;
    HttpHeaders fields;  ///< without Date, Content-Length, Transfer-Encoding and Connection
    std::string body;
    /// Makes the body while it is sent, where `body` is not all of it: http_stream.h.
    std::shared_ptr<const HttpStream> stream;

    /// Plain text; `status` also without one.
    static HttpResponse text(unsigned status, std::string body);
};

/// What comes before the body. `length` of it, nothing: it comes in chunks (RFC 9112 6.1). Field
/// values are cut at a line end: nobody's input makes a field of its own.
std::string headOf(const HttpResponse& response, std::optional<std::uint64_t> length,
                   bool keepAlive, WallTime now);

/// A response without a stream as octets. To HEAD it has the same fields and no body (RFC
/// 9110 9.3.2).
std::string wireForm(const HttpResponse& response, bool toHead, bool keepAlive, WallTime now);

/// "Not Found"; RFC 9110 section 15.
std::string_view reasonOf(unsigned status);

}  // namespace gateway::net
