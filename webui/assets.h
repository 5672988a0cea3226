// The files of the page, which the program holds: webui/assets/ as it was when it was built.
// Never reads a file, so no address leads to one.
#pragma once

#include <span>
#include <string_view>

#include "gateway/net/http.h"

namespace webui {

struct Asset {
    std::string_view path;  ///< below webui/assets: "index.html", "icons/logo.svg"
    std::string_view hash;  ///< SHA-256 of the plain octets, hex
    std::span<const unsigned char> plain;
    std::span<const unsigned char> gzip;  ///< the same, compressed
};

/// In no order.
std::span<const Asset> embeddedAssets();

/// Null where there is none of that path.
const Asset* findAsset(std::string_view path);

/// "/" is index.html, "/assets/…" the rest; 404 for whatever else.
gateway::net::HttpResponse assetResponse(const gateway::net::HttpRequest& request);

}  // namespace webui
