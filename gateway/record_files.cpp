#include "gateway/record_files.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/mail/node.h"
#include "gateway/mail/ownership.h"
#include "gateway/mail/record_folder.h"

namespace gateway {

namespace {

/// The names in a directory; none where it does not exist.
std::vector<std::filesystem::path> entriesOf(const Layout& layout,
                                             const std::filesystem::path& directory) {
    std::error_code error;
    std::vector<std::filesystem::path> entries;
    std::filesystem::directory_iterator walk(directory, error);
    while (!error && walk != std::filesystem::directory_iterator()) {
        entries.push_back(walk->path());
        walk.increment(error);
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        errno = error.value();
        throwErrnoFor(layout, "read", directory);
    }
    std::sort(entries.begin(), entries.end());
    return entries;
}

}  // namespace

std::vector<MailboxId> recordedMailboxes(const Layout& layout) {
    std::set<MailboxId> ids;
    for (const auto& folder : {layout.records(), layout.knownRecords()}) {
        for (const auto& entry : entriesOf(layout, folder)) {
            if (auto id = MailboxId::parse(entry.filename().native())) {
                ids.insert(std::move(*id));
            }
        }
    }
    return {ids.begin(), ids.end()};
}

Record readRecord(const Layout& layout, const MailboxId& mailbox, std::vector<Finding>& findings) {
    Record record(mailbox);
    const WallTime now = std::chrono::system_clock::now();
    for (const auto& path : {layout.record(mailbox), layout.knownRecords() / mailbox.str()}) {
        const RecordFolder folder = RecordFolder::read(layout, path, mailbox);
        if (!folder.problem.empty()) {
            findings.emplace_back(path.native(), folder.problem);
        }
        for (const std::string& name : folder.foreign) {
            findings.emplace_back((path / name).native(),
                                  "it is no record of a node: move it away");
        }
        for (const auto& [node, file] : folder.files) {
            if (!file.problem.empty()) {
                findings.emplace_back((path / (node.str() + ".toml")).native(),
                                      file.complaint(now));
            }
            if (file.file) {
                record.unite(*file.file);
            }
        }
    }
    return record;
}

Trusts trustedHere(const Layout& layout) {
    const auto self = Node::look(layout);
    const TrustedNodes trusted = TrustedNodes::load(layout);
    const bool isNew = trusted.empty() && entriesOf(layout, layout.knownRecords()).empty();
    return [self, trusted, isNew](const NodeId& node, const crypto::VerifyKey& key) {
        return isNew || trusted.trusts(node, key) || (self && node == self->id && key == self->key);
    };
}

}  // namespace gateway
