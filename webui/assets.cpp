#include "webui/assets.h"

#include <algorithm>
#include <array>
#include <string>

#include "gateway/base/text.h"

namespace webui {

namespace {

using gateway::net::HttpRequest;
using gateway::net::HttpResponse;

constexpr std::string_view kFolder = "/assets/";
constexpr std::string_view kStart = "index.html";

constexpr auto kTypes = std::to_array<std::pair<std::string_view, std::string_view>>({
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},  // RFC 9239
    {".json", "application/json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".webmanifest", "application/manifest+json"},
    {".txt", "text/plain; charset=utf-8"},
});

std::string typeOf(std::string_view path) {
    const auto* const found = std::find_if(
        kTypes.begin(), kTypes.end(), [&](const auto& type) { return path.ends_with(type.first); });
    return std::string(found == kTypes.end() ? "application/octet-stream" : found->second);
}

/// The elements of a field that is a list.
template <typename Visit>
bool anyOf(const HttpRequest& request, std::string_view name, Visit visit) {
    for (const auto& [key, value] : request.fields) {
        std::string_view rest = key == name ? std::string_view(value) : std::string_view();
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find(','), rest.size());
            if (visit(gateway::trimmed(rest.substr(0, end)))) {
                return true;
            }
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }
    return false;
}

/// RFC 9110 12.5.3. Who weighs codings against each other gets the plain one.
bool takesGzip(const HttpRequest& request) {
    return anyOf(request, "accept-encoding", [](std::string_view coding) {
        return gateway::equalsIgnoringCase(coding, "gzip");
    });
}

/// RFC 9110 13.1.2, whose comparison is weak.
bool hasIt(const HttpRequest& request, std::string_view tag) {
    return anyOf(request, "if-none-match", [tag](std::string_view known) {
        return known == "*" || known == tag || (known.starts_with("W/") && known.substr(2) == tag);
    });
}

HttpResponse notFound() {
    return HttpResponse::text(404,
                              "There is no such page; the address of the page ends in \"/\".\n");
}

}  // namespace

const Asset* findAsset(std::string_view path) {
    const auto all = embeddedAssets();
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const Asset& asset) { return asset.path == path; });
    return found == all.end() ? nullptr : &*found;
}

HttpResponse assetResponse(const HttpRequest& request) {
    const bool atStart = request.path == "/";
    if (!atStart && !request.path.starts_with(kFolder)) {
        return notFound();
    }
    const std::string_view path =
        atStart ? kStart : std::string_view(request.path).substr(kFolder.size());
    const Asset* const asset = findAsset(path);
    if (asset == nullptr || (!atStart && path == kStart)) {
        return notFound();
    }
    if (request.method != "GET" && request.method != "HEAD") {
        HttpResponse response = HttpResponse::text(405, "Nothing can be changed here.\n");
        response.fields.emplace_back("Allow", "GET, HEAD");  // RFC 9110 15.5.6
        return response;
    }
    const bool gzip = takesGzip(request) && asset->gzip.size() < asset->plain.size();
    // Two forms, two tags (RFC 9110 8.8.3.3).
    const std::string tag =
        '"' + std::string(asset->hash.substr(0, 32)) + (gzip ? "-gzip\"" : "\"");
    HttpResponse response;
    response.fields = {{"ETag", tag}, {"Cache-Control", "no-cache"}, {"Vary", "Accept-Encoding"}};
    if (hasIt(request, tag)) {
        response.status = 304;
        return response;
    }
    response.fields.emplace_back("Content-Type", typeOf(path));
    if (gzip) {
        response.fields.emplace_back("Content-Encoding", "gzip");
    }
    const auto octets = gzip ? asset->gzip : asset->plain;
    response.body.assign(octets.begin(), octets.end());
    return response;
}

}  // namespace webui
