#include "gateway/mail/record_change.h"

#include <algorithm>

namespace gateway {

namespace {

using Words = std::vector<std::string>;

std::string counted(std::size_t number, const std::string& what) {
    return std::to_string(number) + ' ' + what + (number == 1 ? "" : "s");
}

std::string quoted(const std::string& text) { return '"' + text + '"'; }

/// What a status means for mail.
std::string describe(MailboxStatus status) {
    switch (status) {
        case MailboxStatus::Active:
            return "active";
        case MailboxStatus::Suspended:
            return "suspended: senders are put off";
        case MailboxStatus::Deleted:
            return "deleted: mail for it is refused";
    }
    return "unknown";
}

bool opens(const Mailbox& mailbox, const crypto::SealKey& recipient) {
    const std::vector<crypto::SealKey> openable = mailbox.openable();
    return std::find(openable.begin(), openable.end(), recipient) != openable.end();
}

std::string setOn(const MailboxKey& key) {
    return "the one set on " + (key.nodeName.empty() ? key.node : key.nodeName) + " at " +
           formatTimestamp(key.at);
}

void addPassword(const Mailbox& before, const Mailbox& after, Words& words) {
    const MailboxKey& old = *before.current();
    if (old.recipient == after.current()->recipient) {
        if (old.sealedIdentity != after.current()->sealedIdentity) {
            words.emplace_back(
                "its key is sealed anew: the password that opens it may be another one");
        }
        return;
    }
    const bool open = opens(after, old.recipient);
    words.push_back("its password becomes " + setOn(*after.current()) + " instead of " +
                    setOn(old) +
                    (open ? "; it opens what waits, too"
                          : "; what waits under the present one is locked until that one is given "
                            "to `postern mailbox password --unlock-earlier`"));
}

void addKeys(const Mailbox& before, const Mailbox& after, Words& words) {
    const auto isNew = [&](const MailboxKey& key) {
        return std::none_of(before.keys.begin(), before.keys.end(), [&](const MailboxKey& known) {
            return known.recipient == key.recipient;
        });
    };
    auto keys =
        static_cast<std::size_t>(std::count_if(after.keys.begin(), after.keys.end(), isNew));
    keys -= isNew(*after.current()) ? 1 : 0;
    if (keys > 0) {
        words.push_back(counted(keys, "earlier key") + " of it becomes known");
    }
    const std::size_t more =
        after.openable().size() - std::min(before.openable().size(), after.openable().size());
    if (more > keys && before.current()->recipient == after.current()->recipient) {
        words.push_back("its password opens what " + counted(more, "more key") + " sealed");
    }
}

void addRest(const Mailbox& before, const Mailbox& after, Words& words) {
    if (before.status != after.status) {
        words.push_back("it becomes " + describe(after.status) + " (now " +
                        describe(before.status) + ')');
    }
    if (before.name != after.name) {
        words.push_back("its name becomes " + quoted(after.name) + " instead of " +
                        quoted(before.name));
    }
    if (before.description != after.description) {
        words.push_back("its description becomes " + quoted(after.description));
    }
    if (before.allowStated != after.allowStated) {
        words.push_back("who may send to it becomes: " + after.allow.describe() +
                        " (now: " + before.allow.describe() + ')');
    }
    if (before.alerts != after.alerts) {
        words.emplace_back("its alert limits change");
    }
}

}  // namespace

Words RecordChange::describe() const {
    Words words;
    if (after && !before) {
        words.push_back("a new mailbox, " + quoted(after->name) + ", " +
                        gateway::describe(after->status));
    } else if (after && added > 0) {
        addPassword(*before, *after, words);
        addKeys(*before, *after, words);
        addRest(*before, *after, words);
        if (words.empty()) {
            words.push_back(counted(added, "statement") + " of its history; nothing else changes");
        }
    }
    if (heldBack > 0) {
        words.push_back(counted(heldBack, "statement") +
                        " held back: this node does not trust the node that made " +
                        (heldBack == 1 ? "it" : "them"));
    }
    return words;
}

}  // namespace gateway
