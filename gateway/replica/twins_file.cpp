#include "gateway/replica/twins_file.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/json_text.h"
#include "gateway/base/text.h"
#include "gateway/mail/ownership.h"
#include "gateway/mail/statement_toml.h"

namespace gateway::replica {

namespace {

using nlohmann::json;

constexpr std::size_t kLargestFile = 1U << 20U;

[[noreturn]] void throwDamaged(const Layout& layout, const std::string& what) {
    throw Error(Error::Kind::Corrupt,
                "read " + layout.twins().native() + ": it is damaged (" + what +
                    "); mend that line, or move the file away and pair the twins anew");
}

JoinedTwin read(const Layout& layout, const json& entry) {
    const auto node = NodeId::parse(entry.is_object() ? textIn(entry, "node") : "");
    const auto key = crypto::VerifyKey::parse(entry.is_object() ? textIn(entry, "node_key") : "");
    const auto at = parseTimestamp(entry.is_object() ? textIn(entry, "at") : "");
    if (!node || !key || !at) {
        throwDamaged(layout, "an entry has no node, node_key or `at`");
    }
    JoinedTwin twin(*node, *key);
    twin.name = textIn(entry, "name");
    twin.url = textIn(entry, "url");
    twin.fingerprint = textIn(entry, "fingerprint");
    twin.token = textIn(entry, "token");
    twin.joined = *at;
    return twin;
}

}  // namespace

TwinsFile TwinsFile::load(const Layout& layout) {
    TwinsFile file;
    const std::filesystem::path path = layout.twins();
    if (::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0) {
        if (errno == ENOENT) {
            return file;
        }
        throwErrnoFor(layout, "read", path);
    }
    std::string why = "it does not begin with `format = 1`";
    const auto document = parseToml(readWhole(path, kLargestFile), why);
    const json format = document ? document->value("format", json()) : json();
    if (format.is_number_integer() && format > 1) {
        throw Error(Error::Kind::Config, "read " + path.native() +
                                             ": a newer Postern wrote it (format " + format.dump() +
                                             "); start that version");
    }
    const json twins = document ? document->value("twin", json::array()) : json();
    if (format != 1 || !twins.is_array()) {
        throwDamaged(layout, why);
    }
    for (const json& entry : twins) {
        file.m_twins.push_back(read(layout, entry));
    }
    return file;
}

void TwinsFile::save(const Layout& layout) const {
    json twins = json::array();
    for (const JoinedTwin& twin : m_twins) {
        twins.push_back({{"node", twin.node.str()},
                         {"node_key", twin.key.str()},
                         {"name", twin.name},
                         {"url", twin.url},
                         {"fingerprint", twin.fingerprint},
                         {"token", twin.token},
                         {"at", formatTimestamp(twin.joined)}});
    }
    makeDurableDirectory(layout.config());
    writeDurably(layout.twins(), "# The twins of this node; written by `postern twin`.\n" +
                                     formatToml({{"format", 1}, {"twin", std::move(twins)}}));
}

void TwinsFile::put(JoinedTwin twin) {
    remove(twin.node);
    m_twins.push_back(std::move(twin));
}

std::optional<JoinedTwin> TwinsFile::find(std::string_view name) const {
    const auto fits = [&](const JoinedTwin& twin) {
        return twin.node.str() == name || (!twin.url.empty() && twin.url == name) ||
               (!twin.name.empty() && equalsIgnoringCase(twin.name, name));
    };
    const auto found = std::find_if(m_twins.begin(), m_twins.end(), fits);
    if (found == m_twins.end() || std::count_if(m_twins.begin(), m_twins.end(), fits) > 1) {
        return std::nullopt;
    }
    return *found;
}

void TwinsFile::remove(const NodeId& node) {
    std::erase_if(m_twins, [&](const JoinedTwin& twin) { return twin.node == node; });
}

}  // namespace gateway::replica
