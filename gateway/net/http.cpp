#include "gateway/net/http.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <ctime>

#include "gateway/base/text.h"

namespace gateway::net {

namespace {

constexpr auto kReasons = std::to_array<std::pair<unsigned, std::string_view>>({
    {200, "OK"},
    {201, "Created"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
});

/// RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT", whatever the locale.
std::string dateOf(WallTime time) {
    static constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed",
                                                      "Thu", "Fri", "Sat"};
    static constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 40> rest{};
    std::strftime(rest.data(), rest.size(), "%Y %H:%M:%S GMT", &parts);
    const std::string day = std::to_string(parts.tm_mday);
    return std::string(kDays.at(static_cast<std::size_t>(parts.tm_wday))) + ", " +
           (day.size() < 2 ? "0" : "") + day + ' ' +
           kMonths.at(static_cast<std::size_t>(parts.tm_mon)) + ' ' + rest.data();
}

std::string_view onOneLine(std::string_view value) {
    return value.substr(0, value.find_first_of(std::string_view("\r\n\0", 3)));
}

bool mayHaveBody(unsigned status) { return status != 204 && status != 304; }

}  // namespace

const std::string* HttpRequest::field(std::string_view lowerName) const {
    const std::string* found = nullptr;
    for (const auto& [name, value] : fields) {
        if (name == lowerName) {
            if (found != nullptr) {
                return nullptr;
            }
            found = &value;
        }
    }
    return found;
}

bool isAddress(const std::string& host) {
    std::array<unsigned char, 4> octets{};
    return host.starts_with('[') || ::inet_pton(AF_INET, host.c_str(), octets.data()) == 1;
}

HttpResponse HttpResponse::text(unsigned status, std::string body) {
    HttpResponse response;
    response.status = status;
    response.fields.emplace_back("Content-Type", "text/plain; charset=utf-8");
    response.body = std::move(body);
    return response;
}

std::string headOf(const HttpResponse& response, std::optional<std::uint64_t> length,
                   bool keepAlive, WallTime now) {
    std::string octets = "HTTP/1.1 " + std::to_string(response.status) + ' ';
    octets += reasonOf(response.status);
    octets += "\r\nDate: " + dateOf(now) + "\r\n";
    bool cacheSaid = false;
    for (const auto& [name, value] : response.fields) {
        octets += name + ": ";
        octets += onOneLine(value);
        octets += "\r\n";
        cacheSaid = cacheSaid || equalsIgnoringCase(name, "Cache-Control");
    }
    octets += "X-Content-Type-Options: nosniff\r\n";
    octets += cacheSaid ? "" : "Cache-Control: no-store\r\n";
    if (mayHaveBody(response.status)) {
        octets += length ? "Content-Length: " + std::to_string(*length) + "\r\n"
                         : "Transfer-Encoding: chunked\r\n";
    }
    octets += keepAlive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
    return octets;
}

std::string wireForm(const HttpResponse& response, bool toHead, bool keepAlive, WallTime now) {
    std::string octets = headOf(response, response.body.size(), keepAlive, now);
    if (!toHead && mayHaveBody(response.status)) {
        octets += response.body;
    }
    return octets;
}

std::string_view reasonOf(unsigned status) {
    const auto* const found =
        std::find_if(kReasons.begin(), kReasons.end(),
                     [&](const auto& reason) { return reason.first == status; });
    return found == kReasons.end() ? "Unknown" : found->second;
}

}  // namespace gateway::net
