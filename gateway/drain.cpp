#include "gateway/drain.h"

#include <cerrno>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/mail/statement_toml.h"
#include "gateway/replica/twins_file.h"

namespace gateway {

namespace {

using nlohmann::json;

constexpr std::size_t kLargestFile = 64UL * 1024;

std::optional<WallTime> timeIn(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? parseTimestamp(found->get<std::string>())
                                                       : std::nullopt;
}

/// The text of the file; nothing where there is none.
std::optional<std::string> read(const Layout& layout) {
    std::error_code failure;
    if (!std::filesystem::exists(layout.drainFile(), failure) && !failure) {
        return std::nullopt;
    }
    return readWhole(layout.drainFile(), kLargestFile);
}

/// Whether it is there and a later version's; what cannot be read is none.
bool isNewer(const Layout& layout) {
    try {
        std::string why;
        const auto text = read(layout);
        const auto document = text ? parseToml(*text, why) : std::nullopt;
        const json format = document ? document->value("format", json()) : json();
        return format.is_number_integer() && format > 1;
    } catch (const Error&) {
        return false;
    }
}

}  // namespace

std::string Drain::text() const {
    json document{{"format", 1}, {"since", formatTimestamp(since)}};
    if (until) {
        document["until"] = formatTimestamp(*until);
    }
    return "# While this file is here no mail is taken. `postern drain off` ends that.\n" +
           formatToml(document);
}

std::optional<Drain> Drain::parse(std::string_view text, std::string& why) {
    const auto document = parseToml(text, why);
    if (!document) {
        return std::nullopt;
    }
    if (const json format = document->value("format", json()); format != 1) {
        why = "its format is " + format.dump();
        return std::nullopt;
    }
    const auto since = timeIn(*document, "since");
    const auto until = timeIn(*document, "until");
    if (!since || (document->contains("until") && !until)) {
        why = "`since` or `until` is no time";
        return std::nullopt;
    }
    return Drain{*since, until};
}

std::optional<Drain> loadDrain(const Layout& layout) {
    const auto text = read(layout);
    if (!text) {
        return std::nullopt;
    }
    std::string why;
    const auto drain = Drain::parse(*text, why);
    if (!drain) {
        throw Error(Error::Kind::Corrupt,
                    "read " + layout.drainFile().native() + ": it tells no drain (" + why +
                        "); remove it, or ask again for one by `postern drain on`");
    }
    return drain;
}

void saveDrain(const Layout& layout, const std::optional<Drain>& drain) {
    const std::filesystem::path file = layout.drainFile();
    if (isNewer(layout)) {
        throw Error(Error::Kind::Config,
                    "write " + file.native() +
                        ": a newer Postern wrote it, and it stays as it is; start that version");
    }
    if (drain) {
        writeDurably(file, drain->text());
        return;
    }
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) {
        throwErrno("remove", file.native());
    }
    syncDirectory(layout.node());
}

bool hasTwin(const Config& config) {
    if (!config.twins.empty()) {
        return true;
    }
    try {
        return !replica::TwinsFile::load(Layout(config.data)).twins().empty();
    } catch (const Error&) {
        return false;  // one that cannot be read helps nobody
    }
}

}  // namespace gateway
