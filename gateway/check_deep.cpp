// The messages of one mailbox as `postern check --deep` sees them: opened wholly, with the
// password. Never shows or keeps what it opened.
#include "crypto/age_stream.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "gateway/check.h"
#include "gateway/look_inside.h"
#include "gateway/progress.h"
#include "gateway/store/directory_store.h"

namespace gateway {

namespace {

using pop3::UnlockedMailbox;

constexpr const char* kAdvice =
    "copy a whole one over it from a backup or another node, or move it away: archivers get the "
    "others all the same";

/// Why the message does not open to its end, empty where it does. Counts its octets.
std::string whyBroken(std::unique_ptr<Outgoing> sealed, const crypto::OpenKey& key,
                      std::uint64_t& octets) {
    try {
        pop3::MessageReader reader(std::move(sealed), key);
        std::string plaintext;
        for (bool more = true; more; plaintext.clear()) {
            more = reader.next(plaintext);
            octets += plaintext.size();
            crypto::wipe(std::span<char>(plaintext));
        }
        return {};
    } catch (const Error& error) {
        return error.what();
    }
}

/// Those sealed under a key that the password does not open.
void countLocked(const Mailbox& mailbox, const UnlockedMailbox& unlocked, MessageStore& store,
                 CheckReport& report) {
    std::size_t locked = 0;
    for (const MailboxKey& key : mailbox.keys) {
        if (!holds(unlocked.keys(), key.recipient)) {
            locked += store.list(Drop(mailbox.id, key.recipient)).messages.size();
        }
    }
    if (locked > 0) {
        report.warning("deep",
                       std::to_string(locked) + " messages of " + mailbox.id.str() +
                           " are locked for this password and were not opened",
                       "run `postern mailbox password " + mailbox.id.str() +
                           " --unlock-earlier`, or check again with the earlier password");
    }
}

}  // namespace

void checkDeep(const Config& config, const std::string& address, const crypto::Password& password,
               CheckReport& report) {
    const Layout layout(config.data);
    const Mailbox mailbox = readMailbox(config, address);
    const auto unlocked = unlock(mailbox, password);
    DirectoryStore store(layout);
    std::vector<LeftOut> leftOut;  // checkMessages() names them
    const auto messages = unlocked->list(store, leftOut);
    Progress progress;
    std::size_t opened = 0;
    std::size_t broken = 0;
    std::uint64_t octets = 0;
    for (const UnlockedMailbox::Stored& stored : messages) {
        progress.show("message " + std::to_string(opened + broken + 1) + " of " +
                      std::to_string(messages.size()));
        auto sealed = store.open(unlocked->drop(stored), stored.message.id);
        if (!sealed) {
            continue;  // fetched meanwhile
        }
        const std::string why = whyBroken(std::move(sealed), unlocked->key(stored), octets);
        if (why.empty()) {
            ++opened;
            continue;
        }
        ++broken;
        progress.clear();
        report.problem("deep",
                       layout.message(unlocked->drop(stored), stored.message.id).native() +
                           " does not open: " + why,
                       kAdvice);
    }
    progress.clear();
    countLocked(mailbox, *unlocked, store, report);
    if (broken == 0) {
        report.ok("deep", std::to_string(opened) + " messages of " + mailbox.id.str() + ", " +
                              describeSize(octets) + ", open to their end");
    }
}

}  // namespace gateway
