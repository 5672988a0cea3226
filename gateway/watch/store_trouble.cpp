#include "gateway/watch/store_trouble.h"

#include "gateway/base/log.h"

namespace gateway {

namespace {

std::string endOf(const std::string& cause) {
    const std::size_t colon = cause.rfind(": ");
    return colon == std::string::npos ? cause : cause.substr(colon + 2);
}

}  // namespace

void StoreTrouble::failed(const MailboxId& mailbox, const MessageId& id, const std::string& cause,
                          WallTime now) {
    const std::string kind = endOf(cause);
    auto found = m_episodes.find(kind);
    if (found == m_episodes.end()) {
        if (m_episodes.size() >= kMost) {
            m_episodes.clear();  // so many kinds are no kinds: each is said again
        }
        found = m_episodes.emplace(kind, Episode{{cause, mailbox, 0, now, now}, {}}).first;
        log::error(
            "message not stored; its sender was asked to try again, and so are others while this "
            "lasts",
            {{"mailbox", mailbox.str()}, {"id", id.str()}, {"cause", cause}});
    } else {
        log::debug("message not stored",
                   {{"mailbox", mailbox.str()}, {"id", id.str()}, {"cause", cause}});
    }
    Episode& episode = found->second;
    ++episode.entry.messages;
    episode.entry.last = now;
    episode.mailboxes.insert(mailbox);
}

void StoreTrouble::stored(const MailboxId& mailbox) {
    std::erase_if(m_episodes, [&mailbox](const auto& item) {
        const Episode& episode = item.second;
        if (!episode.mailboxes.contains(mailbox)) {
            return false;
        }
        log::notice("messages are stored again", {{"mailbox", mailbox.str()},
                                                  {"cause", item.first},
                                                  {"put_off", episode.entry.messages},
                                                  {"since", formatTimestamp(episode.entry.since)}});
        return true;
    });
}

std::vector<StoreTrouble::Entry> StoreTrouble::entries() const {
    std::vector<Entry> entries;
    entries.reserve(m_episodes.size());
    for (const auto& [kind, episode] : m_episodes) {
        entries.push_back(episode.entry);
    }
    return entries;
}

}  // namespace gateway
