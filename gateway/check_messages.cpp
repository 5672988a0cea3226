// The sealed files as `postern check` sees them: name, size and header, without any key.
// Never opens more of a file than its header.
#include <array>
#include <filesystem>

#include "crypto/age_header.h"
#include "crypto/age_stream.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "gateway/check.h"
#include "gateway/mail/ownership.h"
#include "gateway/store/directory_store.h"

namespace gateway {

namespace {

/// The names in a directory that exists, or nothing.
std::vector<std::string> namesIn(const Layout& layout, const std::filesystem::path& directory) {
    std::error_code error;
    std::vector<std::string> names;
    std::filesystem::directory_iterator walk(directory, error);
    while (!error && walk != std::filesystem::directory_iterator()) {
        names.push_back(walk->path().filename().native());
        walk.increment(error);
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        errno = error.value();
        throwErrnoFor(layout, "read", directory);
    }
    return names;
}

/// What is wrong with a sealed file as far as its header tells; empty where nothing is.
std::string wrongHeader(MessageStore& store, const Drop& drop, const MessageId& id) {
    try {
        const auto message = store.open(drop, id);
        if (!message) {
            return {};  // fetched meanwhile
        }
        std::array<std::byte, crypto::kHeaderSize> start{};
        std::size_t size = 0;
        while (size < start.size()) {
            const std::size_t got = message->read(std::span(start).subspan(size));
            if (got == 0) {
                return "ends within its header";
            }
            size += got;
        }
        const crypto::AgeHeader header = crypto::parseAgeHeader(textOf(start));
        const bool ours = header.size == crypto::kHeaderSize && header.x25519.size() == 1 &&
                          header.others == 0 && !header.scrypt;
        return ours ? "" : "is an age file, but not sealed to exactly one mailbox key";
    } catch (const Error& error) {
        return error.what();
    }
}

struct Counts {
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;
    std::size_t findings = 0;
};

void checkDrop(const Layout& layout, MessageStore& store, const Drop& drop, Counts& counts,
               CheckReport& report) {
    const auto found = [&](const std::string& path, const std::string& why) {
        ++counts.findings;
        report.problem("messages", path + ": " + why,
                       "it is left where it is and not shown to archivers; copy a whole one over "
                       "it, or move it away");
    };
    try {
        const Listing listing = store.list(drop);
        for (const LeftOut& file : listing.leftOut) {
            found(file.path, file.why);
        }
        for (const StoredMessage& message : listing.messages) {
            const std::string wrong = wrongHeader(store, drop, message.id);
            if (!wrong.empty()) {
                found(layout.message(drop, message.id).native(), wrong);
                continue;
            }
            ++counts.messages;
            counts.octets += crypto::plaintextSize(message.sealedSize).value_or(0);
        }
    } catch (const Error& error) {
        ++counts.findings;
        report.problem("messages", error.what(), "mend that, then check again");
    }
}

}  // namespace

void checkMessages(const Config& config, CheckReport& report) {
    const Layout layout(config.data);
    DirectoryStore store(layout);
    Counts counts;
    for (const std::string& name : namesIn(layout, layout.mailboxes())) {
        const auto id = MailboxId::parse(name);
        if (!id || id->str() != name) {
            report.warning("messages",
                           (layout.mailboxes() / name).native() + " is no folder of a mailbox",
                           "move it away; the server never looks at it");
            continue;
        }
        for (const std::string& key : namesIn(layout, layout.mailbox(*id))) {
            const auto recipient = crypto::SealKey::parse(key);
            if (!recipient) {
                report.warning("messages",
                               (layout.mailbox(*id) / key).native() + " is no folder of a key",
                               "move it away; the server never looks at it");
                continue;
            }
            checkDrop(layout, store, Drop(*id, *recipient), counts, report);
        }
    }
    if (counts.findings == 0) {
        report.ok("messages", std::to_string(counts.messages) + " waiting, " +
                                  describeSize(counts.octets) + ", all whole by size and header");
    }
}

}  // namespace gateway
