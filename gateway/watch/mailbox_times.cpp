#include "gateway/watch/mailbox_times.h"

#include <nlohmann/json.hpp>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/mail/statement_toml.h"

namespace gateway {

namespace {

using nlohmann::json;

constexpr std::size_t kLargestFile = std::size_t{64} << 20U;
constexpr const char* kTable = "mailbox";

std::optional<WallTime> timeIn(const json& entry, const char* name) {
    const auto found = entry.find(name);
    return found != entry.end() && found->is_string() ? parseTimestamp(found->get<std::string>())
                                                      : std::nullopt;
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
    const json format = document->value("format", json());
    MailboxTimes times;
    if (format != 1) {
        why = "its format is " + format.dump();
        times.m_fileIsNewer = format.is_number_integer() && format > 1;
        return times.m_fileIsNewer ? std::optional(times) : std::nullopt;
    }
    for (const json& entry : document->value(kTable, json::array())) {
        const std::string address = entry.is_object() ? entry.value("address", "") : "";
        if (const auto mailbox = MailboxId::parse(address)) {
            times.m_times[*mailbox] = {timeIn(entry, "received"), timeIn(entry, "fetched")};
        }
    }
    return times;
}

MailboxTimes MailboxTimes::load(const Layout& layout) {
    const std::filesystem::path file = fileOf(layout);
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) {
        return {};
    }
    std::string why;
    try {
        const auto times = parse(readWhole(file, kLargestFile), why);
        if (times && why.empty()) {
            return *times;
        }
        log::notice("when mail was last received and fetched is not known any more",
                    {{"file", file.native()}, {"cause", why}});
        return times.value_or(MailboxTimes());
    } catch (const Error& error) {
        log::notice("when mail was last received and fetched is not known any more",
                    {{"cause", error.what()}});
    } catch (const json::exception& error) {  // an address that is no text
        log::notice("when mail was last received and fetched is not known any more",
                    {{"file", file.native()}, {"cause", error.what()}});
    }
    return {};
}

void MailboxTimes::save(const Layout& layout) const {
    if (!m_fileIsNewer) {
        writeDurably(fileOf(layout), text());
    }
}

}  // namespace gateway
