// The embedded files: served as they lie in webui/assets, and nothing else, whatever is asked for.
#include "webui/assets.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <doctest/doctest.h>

namespace {

using gateway::net::HttpRequest;
using gateway::net::HttpResponse;

HttpRequest request(const std::string& path, const gateway::HttpHeaders& fields = {}) {
    HttpRequest made;
    made.method = "GET";
    made.path = path;
    made.fields = fields;
    return made;
}

std::string fieldOf(const HttpResponse& response, const std::string& name) {
    for (const auto& [key, value] : response.fields) {
        if (key == name) {
            return value;
        }
    }
    return {};
}

}  // namespace

TEST_CASE("each file of the folder is there, octet by octet") {
    const std::filesystem::path folder = std::string(POSTERN_TESTS_FOLDER) + "/../webui/assets";
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file()) {
            continue;
        }
        std::ostringstream text;
        text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
        const std::string name = std::filesystem::relative(entry.path(), folder).generic_string();
        const HttpResponse response =
            webui::assetResponse(request(name == "index.html" ? "/" : "/assets/" + name));
        CHECK_MESSAGE(response.status == 200, name);
        CHECK_MESSAGE(response.body == text.str(), name);
        CHECK_MESSAGE(fieldOf(response, "Content-Type") != "application/octet-stream", name);
        ++files;
    }
    CHECK(files == webui::embeddedAssets().size());
}

TEST_CASE("a known tag is not sent again, and each coding has its own") {
    const std::string plain = fieldOf(webui::assetResponse(request("/")), "ETag");
    const HttpResponse gzip = webui::assetResponse(request("/", {{"accept-encoding", "br, gzip"}}));
    CHECK(fieldOf(gzip, "Content-Encoding") == "gzip");
    CHECK(gzip.body.starts_with("\x1f\x8b"));
    const std::string compressed = fieldOf(gzip, "ETag");
    CHECK(plain != compressed);
    CHECK(webui::assetResponse(request("/", {{"if-none-match", plain}})).status == 304);
    CHECK(webui::assetResponse(request("/", {{"if-none-match", "\"x\", W/" + plain}})).status ==
          304);
    CHECK(webui::assetResponse(request("/", {{"if-none-match", compressed}})).status == 200);
    CHECK(webui::assetResponse(request("/", {{"if-none-match", "\"x\""}})).status == 200);
}

TEST_CASE("no other address leads anywhere") {
    for (const char* path :
         {"/index.html", "/assets", "/assets/", "/assets/index.html", "/assets/../index.html",
          "/assets/%2e%2e/index.html", "/etc/passwd", "/assets//etc/passwd",
          "/assets/..%2f..%2fetc%2fpasswd", "/./", "/.."}) {
        CHECK_MESSAGE(webui::assetResponse(request(path)).status == 404, path);
    }
    HttpRequest post = request("/");
    post.method = "POST";
    CHECK(webui::assetResponse(post).status == 405);
}
