#include "gateway/mail/backup.h"

#include <algorithm>
#include <map>

#include "gateway/base/json_text.h"
#include "gateway/mail/statement_toml.h"

namespace gateway {

namespace {

using nlohmann::json;

constexpr std::int64_t kFormat = 1;
constexpr std::size_t kMostNodes = 1000;  ///< as many files as a folder of records may have
constexpr const char* kMakeAnew = "; it may be cut off or damaged: take another copy of it";

/// What is wrong with a statement's signature; empty where nothing is.
std::string forgedIn(const NodeFile& file) {
    const bool good = std::all_of(
        file.statements.begin(), file.statements.end(),
        [&file](const Statement& statement) { return statement.signedBy(file.nodeKey); });
    return good ? "" : "a signature of node " + file.node.str() + " is wrong";
}

/// Adds one record file to the record of its mailbox; what is wrong with it, or nothing.
std::string readFile(const json& table, std::map<MailboxId, Record>& records) {
    const auto mailbox = MailboxId::parse(table.is_object() ? textIn(table, "mailbox") : "");
    if (!mailbox) {
        return "it names no mailbox";
    }
    const std::string text = textIn(table, "text");
    if (text.size() > NodeFile::kMostOctets) {
        return mailbox->str() + ": a record file in it is larger than any of ours";
    }
    const Record::Reading reading = Record::read(*mailbox, text);
    std::string wrong = reading.problem;
    if (reading.file && wrong.empty()) {
        wrong = forgedIn(*reading.file);
    }
    if (!wrong.empty()) {
        return mailbox->str() + ": " + wrong;
    }
    records.try_emplace(*mailbox, *mailbox).first->second.unite(*reading.file);
    return "";
}

/// A node has one key: trust is given to both at once.
std::string contradictionIn(const std::vector<Record>& records) {
    std::map<NodeId, crypto::VerifyKey> keys;
    for (const Record& record : records) {
        if (record.files().size() > kMostNodes) {
            return record.mailbox().str() + ": more nodes than there can be made statements";
        }
        for (const auto& [key, file] : record.files()) {
            if (!(keys.try_emplace(file.node, file.nodeKey).first->second == file.nodeKey)) {
                return "two keys in it say to be those of node " + file.node.str() +
                       "; somebody has altered it";
            }
        }
    }
    return "";
}

/// Whether it is a backup of a format we know; `why` says what it is instead.
bool isReadable(const json& document, std::string& why) {
    const json format = document.value("format", json());
    if (!format.is_number_integer() || !document.contains("domain")) {
        why = "it is no backup of Postern (there is no `format` or no `domain` in it)";
    } else if (format.get<std::int64_t>() > kFormat) {
        why = "a newer Postern wrote it (format " + format.dump() +
              "); import it with that version, or a newer one";
    } else if (format != kFormat) {
        why = "its format " + format.dump() + " is unknown";
    } else if (textIn(document, "domain").empty() ||
               !document.value("files", json()).is_number_integer()) {
        why = "`domain` or `files` is wrong";
        why += kMakeAnew;
    }
    return why.empty();
}

}  // namespace

std::string Backup::toToml() const {
    json files = json::array();
    for (const Record& record : records) {
        for (const auto& [node, file] : record.files()) {
            files.push_back({{"mailbox", record.mailbox().str()},
                             {"node", file.node.str()},
                             {"text", Record::toToml(record.mailbox(), file)}});
        }
    }
    json document{{"format", kFormat},
                  {"domain", domain},
                  {"hostname", hostname},
                  {"at", formatTimestamp(at)},
                  {"files", files.size()}};
    if (!admins.empty()) {
        document["admins"] = admins;
    }
    document["file"] = std::move(files);
    return std::string(kFirstLine) +
           "# Bring it back with `postern backup import`; each `text` is one file of "
           "config/mailboxes/.\n" +
           formatToml(document);
}

std::optional<Backup> Backup::fromToml(std::string_view text, std::string& why) {
    why.clear();
    if (text.size() > kMostOctets) {
        why = "it is larger than " + std::to_string(kMostOctets >> 20U) + " MiB";
        return std::nullopt;
    }
    const auto document = parseToml(text, why);
    if (!document) {
        why += kMakeAnew;
        return std::nullopt;
    }
    if (!isReadable(*document, why)) {
        return std::nullopt;
    }
    Backup backup;
    backup.domain = textIn(*document, "domain");
    backup.hostname = textIn(*document, "hostname");
    backup.at = parseTimestamp(textIn(*document, "at")).value_or(WallTime());
    backup.admins = textIn(*document, "admins");
    const json files = document->value("file", json::array());
    if (!files.is_array()) {
        why = "`file` is no list of tables";
        why += kMakeAnew;
        return std::nullopt;
    }
    if (json(files.size()) != document->at("files")) {
        why = "it should hold " + document->at("files").dump() + " record files, but holds " +
              std::to_string(files.size()) + kMakeAnew;
        return std::nullopt;
    }
    std::map<MailboxId, Record> records;
    for (const json& file : files) {
        why = readFile(file, records);
        if (!why.empty()) {
            why += kMakeAnew;
            return std::nullopt;
        }
    }
    for (auto& [id, record] : records) {
        backup.records.push_back(std::move(record));
    }
    why = contradictionIn(backup.records);
    return why.empty() ? std::make_optional(std::move(backup)) : std::nullopt;
}

}  // namespace gateway
