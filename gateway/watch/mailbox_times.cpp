#include "gateway/watch/mailbox_times.h"

#include <nlohmann/json.hpp>

#include "gateway/base/json_text.h"
#include "gateway/mail/statement_toml.h"
#include "gateway/watch/learnt_file.h"

namespace gateway {

namespace {

using nlohmann::json;

constexpr const char* kTable = "mailbox";

std::optional<WallTime> timeIn(const json& entry, const char* name) {
    return parseTimestamp(textIn(entry, name));
}

std::filesystem::path fileOf(const Layout& layout) { return layout.state() / "mailbox-times.toml"; }

}  // namespace

MailboxTimes::Times MailboxTimes::of(const MailboxId& mailbox) const {
    const auto found = m_times.find(mailbox);
    return found == m_times.end() ? Times() : found->second;
}

std::string MailboxTimes::text() const {
    json entries = json::array();
    for (const auto& [mailbox, times] : m_times) {
        json entry{{"address", mailbox.str()}};
        if (times.received) {
            entry["received"] = formatTimestamp(*times.received);
        }
        if (times.fetched) {
            entry["fetched"] = formatTimestamp(*times.fetched);
        }
        entries.push_back(std::move(entry));
    }
    json document{{"format", 1}};
    if (!entries.empty()) {
        document[kTable] = std::move(entries);
    }
    return "# When mail was last received and fetched. May be deleted; then it is not known.\n" +
           formatToml(document);
}

std::optional<MailboxTimes> MailboxTimes::parse(std::string_view text, std::string& why) {
    const auto document = parseToml(text, why);
    if (!document) {
        return std::nullopt;
    }
    MailboxTimes times;
    if (!isOfKnownFormat(*document, why, times.m_fileIsNewer)) {
        return times.m_fileIsNewer ? std::optional(times) : std::nullopt;
    }
    for (const json& entry : document->value(kTable, json::array())) {
        if (const auto mailbox = MailboxId::parse(textIn(entry, "address"))) {
            times.m_times[*mailbox] = {timeIn(entry, "received"), timeIn(entry, "fetched")};
        }
    }
    return times;
}

MailboxTimes MailboxTimes::load(const Layout& layout) {
    return loadLearnt<MailboxTimes>(
        fileOf(layout), "when mail was last received and fetched is not known any more");
}

void MailboxTimes::save(const Layout& layout) const {
    if (!m_fileIsNewer) {
        writeDurably(fileOf(layout), text());
    }
}

}  // namespace gateway
